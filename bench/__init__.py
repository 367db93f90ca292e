"""Measures the decisions against the bounds of theory and against public libraries."""
