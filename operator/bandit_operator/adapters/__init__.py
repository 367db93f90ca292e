"""The only places that talk to the API server and to Prometheus.

They translate errors once, bound every request in time, and know nothing of arms.
"""
