"""The verbs that show a resource: read it, make a view of it, write that down."""

from __future__ import annotations

SHOWING = {
    "status": "Show who leads, how surely, since when, and what comes next; without NAME a line for each.",
    "explain": "Say why the traffic is where it is, or why one decision was made, in words.",
    "history": "Show what was done to a resource, by the operator and by hand, oldest first.",
}
"""Summary of each."""
