"""Records of decisions, complete enough to make each decision again."""

from __future__ import annotations

from dataclasses import asdict

from bandit_operator.api.status import DecisionRecord, Observation, Seen, SeenArm, WindowStatus
from bandit_operator.api.timestamps import to_timestamp
from bandit_operator.core import reasons
from bandit_operator.core.decide import Intention
from bandit_operator.core.decision import Decision
from bandit_operator.core.model import Observed, Scale, Snapshot, Window
from bandit_operator.status.session import Session


def decision_record(
    session: Session, before: Intention, snapshot: Snapshot, decision: Decision
) -> DecisionRecord:
    """What was seen, what it came to, and why.

    What the cluster said is left out of a record that changed nothing.
    """
    window = snapshot.reading if isinstance(snapshot.reading, Window) else None
    acted = dict(before.weights) != dict(decision.weights) or decision.standings != before.standings
    return DecisionRecord(
        time=to_timestamp(snapshot.now),
        window=None if window is None else _window(window),
        generation=session.resource.metadata.generation,
        seen=_seen(snapshot) if acted or decision.scales else None,
        observations=None if window is None else _observations(window),
        weights=dict(decision.weights),
        actions=[_told(scale) for scale in decision.scales] or None,
        reason=decision.reason,
        message=decision.message[:1024],
    )


def quiet_record(session: Session, window: Window, now: float) -> DecisionRecord:
    """A window that was read after an absence: it was learned from, and nothing was decided."""
    return DecisionRecord(
        time=to_timestamp(now),
        window=_window(window),
        generation=session.resource.metadata.generation,
        observations=_observations(window),
        reason=reasons.CAUGHT_UP,
        message="read after an absence",
    )


def _window(window: Window) -> WindowStatus:
    return WindowStatus(start=to_timestamp(window.start), end=to_timestamp(window.end))


def _observations(window: Window) -> dict[str, Observation]:
    return {
        arm: Observation(
            **{name: repr(value) for name, value in asdict(outcome).items() if value is not None}
        )
        for arm, outcome in window.arms.items()
        if isinstance(outcome, Observed)
    }


def _seen(snapshot: Snapshot) -> Seen:
    return Seen(
        generation=snapshot.route_generation,
        accepted=snapshot.route_accepted,
        arms={
            arm: SeenArm(
                weight=facts.weight,
                available=facts.available,
                replicas=facts.replicas,
                template=facts.template,
                requests=None if facts.requests is None else repr(facts.requests),
            )
            for arm, facts in snapshot.arms.items()
        },
    )


def _told(scale: Scale) -> str:
    return f"scale {scale.arm} from {scale.expected} to {scale.replicas}"
