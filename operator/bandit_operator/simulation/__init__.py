"""Simulated worlds that run the operator's own decision code. Imports numpy and the core only."""
