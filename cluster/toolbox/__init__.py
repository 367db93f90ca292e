"""Obtains and builds the programs of the embedded cluster, with Python's standard library alone."""
