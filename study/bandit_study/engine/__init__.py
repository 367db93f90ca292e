"""The study itself: models, streams, traffic, and what came of it."""
