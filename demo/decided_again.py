"""The operator's recorded decisions, made again from the versions of the resource that were seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bandit_operator.status.replay import NothingToReplay, replay

EVERY = 10
"""Versions from one to the next that is looked at: each holds the last 20 decisions and more."""


def decided_again(versions: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many decisions were made again, and how many of them came out otherwise."""
    agrees: dict[str, bool] = {}
    for version in [*versions[::EVERY], *versions[-1:]]:
        try:
            result = replay(version)
        except NothingToReplay:
            continue
        for one in result.replayed:
            agrees[one.record.time] = agrees.get(one.record.time, True) and not one.differences
        if not result.memory_agrees and result.replayed:
            agrees[result.replayed[-1].record.time] = False
    return {"decisions": len(agrees), "differ": sum(not agreed for agreed in agrees.values())}
