"""The only places that talk to the API server, to Prometheus and to webhooks.

They translate errors once, bound every request in time, and decide nothing.
"""
