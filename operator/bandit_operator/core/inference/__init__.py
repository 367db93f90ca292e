"""What the data say: moments, posteriors, evidence, verdicts."""
