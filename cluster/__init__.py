"""The embedded cluster, and how Python programs use it (``cluster.client``)."""
