"""Kubernetes operator that moves traffic between model versions by multi-armed bandits."""
