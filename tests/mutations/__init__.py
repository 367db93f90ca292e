"""Faults that the operator once had, put back one by one, to show that the made-up worlds find each.

``make mutants`` plays the worlds under every one of ``shares.FAULTS`` and prints the table of
``docs/promises.md``; a fault that no world finds makes it fail.
"""
