"""The only places that ask the API server, Prometheus and webhooks, but for what kopf watches.

They translate errors once, bound every request in time, and decide nothing.
"""
