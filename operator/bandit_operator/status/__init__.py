"""What is remembered of a resource and said of it."""
