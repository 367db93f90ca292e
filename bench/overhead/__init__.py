"""What the operator costs: requests, the operator itself, API server and Prometheus, and its haste."""
