"""Everything that is remembered from tick to tick, how a window is learned from, and how it is stored.

A :class:`Memory` is a value: learning from a window gives another one, and the same windows in the
same order give the same memory bit for bit, whether the process was restarted in between
or not. Its arrays may have leading axes (``[S, K]``), so that a simulation of S seeds learns
with the very same code; only a memory without them can be stored.
"""

from __future__ import annotations

from bandit_operator.core.memory.adapt import adapt, of_other_rewards, reset_arm
from bandit_operator.core.memory.stored import VERSION, from_json, to_json
from bandit_operator.core.memory.update import Update, update, update_moments
from bandit_operator.core.memory.value import Memory, initial, validation

__all__ = [
    "VERSION",
    "Memory",
    "Update",
    "adapt",
    "from_json",
    "initial",
    "of_other_rewards",
    "reset_arm",
    "to_json",
    "update",
    "update_moments",
    "validation",
]
