"""One pass over one resource: observe, decide, commit, apply."""
