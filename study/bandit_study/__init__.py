"""Bandits for model deployment, measured on real streams with the operator's own decisions."""
