"""The verbs that change a resource: each is one patch of one field, with who and why beside it."""

from __future__ import annotations

ACTING = {
    "pause": "Stop: no rewards are read, nothing is decided or moved until `resume`; the traffic stays.",
    "resume": "Go on after `pause`, from the weights that the route carries now.",
    "pin": "Give one arm all of the traffic at once, until `unpin`.",
    "unpin": "Give the traffic back to the strategy after `pin`; it goes on in guarded steps.",
    "promote": (
        "Make an arm the baseline: the others are compared with it from now on, and it always serves."
    ),
    "rollback": "Take an arm out by hand, in the order of a verdict; it stays out until `restore`.",
    "restore": "Bring an arm back that is out, by hand or by a verdict: replicas, ready, a small share.",
}
"""Summary of each."""
