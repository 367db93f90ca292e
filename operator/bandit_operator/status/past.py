"""How shares, means and evidence came to be what they are: the figures of earlier decisions.

The status keeps the newest figures and what each decision stood on. The figures of the decisions between are
those that come out where the decisions are made again (``replay``), so nothing more need be kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bandit_operator.api.v1alpha1 import InvalidResource
from bandit_operator.core.decision import ArmReport
from bandit_operator.status.document import read_status, time_of
from bandit_operator.status.replay import NothingToReplay, replay


@dataclass(frozen=True, slots=True)
class PastDecision:
    """One decision; what is not known is left out."""

    at: float
    """When, in seconds since the Unix epoch."""
    time: str
    shares: Mapping[str, float]
    """Share of the arms' traffic that each was given."""
    reports: Mapping[str, ArmReport]
    """What was known of each arm."""


@dataclass(frozen=True, slots=True)
class Past:
    """The newest decisions, oldest first."""

    decisions: tuple[PastDecision, ...]
    threshold: float | None
    """e-value at which an arm is rolled back."""
    note: str
    """What is to be said of the figures; empty where they are as they were."""


def past_of(body: Mapping[str, Any]) -> Past:
    """Make the figures of a resource's newest decisions again. Takes some milliseconds a decision."""
    status, _ = read_status(body)
    reports: dict[str, Mapping[str, ArmReport]] = {}
    threshold, note = None, ""
    try:
        made_again = replay(body)
    except (NothingToReplay, InvalidResource) as error:
        note = f"Means and evidence of earlier moments are not known: {error}."
    else:
        for one in made_again.replayed:
            if one.decision is not None:
                reports[one.record.time] = one.decision.reports
                threshold = one.decision.threshold
        if not made_again.agrees:
            note = "Decisions that are made again come out otherwise: earlier means and evidence may be off."
    decisions = tuple(
        PastDecision(at, record.time, _shares(record.weights), reports.get(record.time, {}))
        for record in reversed(status.history or [])
        if (at := time_of(record.time)) is not None
    )
    return Past(decisions, threshold, note)


def _shares(weights: Mapping[str, int] | None) -> dict[str, float]:
    total = sum((weights or {}).values())
    return {arm: weight / total for arm, weight in (weights or {}).items()} if total else {}
