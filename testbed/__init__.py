"""What demo, measurements and tests put onto a cluster and count there; it knows none of them."""
