"""An act of the status, in words."""

from __future__ import annotations

from collections.abc import Mapping

from bandit_operator.api.acts import Act, ActKind
from bandit_operator.status.acts import who_and_why
from bandit_operator.status.showing.words import meaning


def line(act: Act) -> str:
    """What was done when, to which arm, by whom and why, in a line."""
    why = f" ({reason(act)})" if act.reason and act.kind is not ActKind.MOVED else ""
    who = "" if act.kind is ActKind.MOVED else who_and_why(act)
    return f"{act.time}  {done(act)}{why}{who}"


def done(act: Act) -> str:
    """What was done, to which arm, or from which share to which."""
    if act.kind is ActKind.MOVED:
        times = f" in {act.count} steps until {act.until}" if act.count > 1 else ""
        return f"{act.kind}{times}: {_moved(act.before or {}, act.after or {})}"
    return f"{act.kind} {act.arm}" if act.arm else str(act.kind)


def reason(act: Act) -> str:
    """What its reason means; empty where it has none."""
    return meaning(act.reason).rstrip(".")


def _moved(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    return ", ".join(f"{arm} {_share(before, arm)}→{_share(after, arm)}" for arm in after)


def _share(weights: Mapping[str, int], arm: str) -> str:
    total = sum(weights.values())
    return f"{weights.get(arm, 0) / total:.1%}" if total else "–"
