"""The shadow server: has a copy of a request answered by every arm, none of which a user sees.

A gateway mirrors requests to it and ignores what it answers. ``app`` takes the copies, ``dispatch`` keeps the
bounded queue, ``arms`` asks the arms, ``protocols`` finds the predictions in their answers; the collector
joins them with the labels.
"""
