"""Simulated worlds that run the operator's own decision code. Of the operator it imports the core only."""
