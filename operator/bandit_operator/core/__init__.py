"""The decision core: what the evidence says, which weights follow, and why.

Nothing in this package asks for the time, performs input or output, or draws random
numbers of its own. Functions take ``now`` (seconds since the Unix epoch) and, where they
need one, a seeded generator, and return frozen values. Only the standard library, numpy
and scipy may be imported here; a linter checks it.
"""
