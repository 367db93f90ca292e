"""Months of one real stream, replayed through the real operator in minutes, beside the study's arithmetic."""
