"""The process itself: scheduler, election, clock, settings, probes and metrics."""
