"""Readers: from files to tables of numbers."""
