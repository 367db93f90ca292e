"""An act of the status in a line."""

from __future__ import annotations

from collections.abc import Mapping

from bandit_operator.api.acts import Act, ActKind
from bandit_operator.cli.showing.words import meaning
from bandit_operator.status.acts import told


def line(act: Act) -> str:
    """What was done, to which arm, by whom and why."""
    if act.kind is ActKind.MOVED:
        times = f" in {act.count} steps until {act.until}" if act.count > 1 else ""
        return f"{act.time}  {act.kind}{times}: {_moved(act.before or {}, act.after or {})}"
    arm = f" {act.arm}" if act.arm else ""
    why = f" ({meaning(act.reason).rstrip('.')})" if act.reason else ""
    return f"{act.time}  {act.kind}{arm}{why}{told(act)}"


def _moved(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    return ", ".join(f"{arm} {_share(before, arm)}→{_share(after, arm)}" for arm in after)


def _share(weights: Mapping[str, int], arm: str) -> str:
    total = sum(weights.values())
    return f"{weights.get(arm, 0) / total:.1%}" if total else "–"
