"""How an arm goes from serving to rolled back and returns.

::

    Joining ──► Active                           (has minTrials)
     ▲ │ ▲        │ │
     │ ▼ └────────│─┤                            (can serve again)
     │ Unavailable ◄┘                            (cannot serve)
     │            ▼ worse than the baseline
    Restoring ◄─ RolledBack ◄─ Draining          (weight 0 → accepted → no requests → scale 0)

Whatever it was, an arm is RolledBack only after Draining; one that is wanted again before its Pods are gone
serves at once. One whose Pods or backend are others begins anew as Joining.
An arm that is to be onboarded in the shadow comes up as Shadowing instead of Joining: it answers copies only,
until the shadow shows it to be no worse than the baseline (:mod:`bandit_operator.core.shadowing`).
An arm that the user sets out goes the same way (:mod:`bandit_operator.core.asked`).

Each function is pure: it takes what was remembered and what is seen now, and returns what
to remember next, what happened, and whose evidence starts again. The order of the
steps down is that of Kubernetes' own advice for endpoints that go away: traffic first, then
Pods; the steps up are the reverse. Before each step down it is asked whether another arm that
can serve is left with weight; where none is, the best of those taken out serves again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from bandit_operator.core import (
    asked,
    drain,
    last_shares,
    past,
    reasons,
    renewal,
    servable,
    shadowing,
    unwell,
)
from bandit_operator.core.drain import Step, begin_to_restore
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import (
    DOWN_STATES,
    OUT_STATES,
    SERVING_STATES,
    ArmFacts,
    ArmStanding,
    ArmState,
    Snapshot,
)
from bandit_operator.core.outcomes import (
    DrainStep,
    Graduated,
    IdentityChanged,
    Joined,
    Noticed,
    Outcome,
    Recalled,
    Returned,
    Scaled,
    Withheld,
)

SPARED_SECONDS = 3_600.0
"""How long the arm that was the baseline is kept from verdicts, so that whoever chose another can go back."""
CALL_SECONDS = 60.0
"""How long an arm that is called back may take to serve before the next one is called as well."""
GAIN = 0.2
"""Growth of a share, in parts of it, from which on labels of before say too little of the arm."""
SETTLING_SECONDS = 10.0
"""How long after an arm is back a scale-down that was under way may still be seen."""
MOST_RESTORED = 100
"""Replicas that an arm is brought back to at the most: what the status remembers is input like any other."""

Standings = Mapping[str, ArmStanding]


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What the states come to: standings by arm, what happened, arms that start again."""

    standings: Mapping[str, ArmStanding]
    outcomes: tuple[Outcome, ...]
    restarted: frozenset[str]
    """Arms whose evidence is about Pods or times that are gone."""


def advance(
    experiment: Experiment,
    standings: Standings,
    snapshot: Snapshot,
    best_first: Sequence[str] = (),
    *,
    fallen: bool = False,
) -> Lifecycle:
    """Move every arm's state by what is seen now; verdicts are not this function's business.

    Args:
        experiment: the settings.
        standings: may lack arms (they are new) and hold arms that are no longer in the spec
            (they are forgotten).
        snapshot: what is seen.
        best_first: the arms in the order in which one is called back where no other can serve.
        fallen: whether the arm that carries the traffic has fallen far below its forecast.
    """
    after: dict[str, ArmStanding] = {}
    outcomes: list[Outcome] = []
    restarted: set[str] = set()
    clock_was_set = drain.clock_was_set(snapshot)
    if not clock_was_set:  # one that is set for a moment costs nobody the time that was waited
        standings = {arm: past.not_ahead(one, snapshot.now) for arm, one in standings.items()}
    over = experiment.is_over(snapshot.now)  # no share is given then
    verdicts_may_fall = not (snapshot.verdicts_suspended or clock_was_set or over or experiment.pin)
    for arm in experiment.names:
        before, facts = standings.get(arm), snapshot.arms[arm]
        standing, entered = _enter(experiment, arm, before, snapshot, first=not standings)
        standing, brought_back = asked.bring_back(experiment, arm, standing, snapshot)
        standing, started_again = renewal.start_again(
            experiment, arm, standing, facts, snapshot.now, fallen=fallen, verdicts_may_fall=verdicts_may_fall
        )
        standing, replaced = renewal.replaced(arm, standing, facts, snapshot.now)
        standing, moved = _serve(experiment, arm, standing, facts, snapshot.now)
        standing = unwell.counted(experiment, arm, standing, snapshot)
        after[arm] = _idle(standing, facts, snapshot.now)
        outcomes += [*entered, *brought_back, *started_again, *replaced, *moved]
        if brought_back or started_again or (before is None and standings):
            restarted.add(arm)
    for arm in asked.wanted_back(outcomes):
        after = last_shares.between(after, arm, experiment.guardrails.new_arm_share, 1.0)
    after, set_out = asked.take_out(experiment, after, snapshot.now)
    outcomes += set_out
    after, withheld = unwell.withhold(experiment, after, snapshot)
    outcomes += withheld
    if not _able(after):
        after, called = _call_back(after, snapshot, [*best_first, *experiment.names])
        outcomes += called
    carrying = any(snapshot.arms[arm].weight > 0 for arm in _able(after))
    for arm, standing in after.items():
        after[arm], stepped = _step(experiment, arm, standing, snapshot, carrying=carrying)
        outcomes += stepped
    return Lifecycle(after, tuple(outcomes), frozenset(restarted))


def _able(standings: Standings) -> list[str]:
    return [arm for arm, standing in standings.items() if standing.state in SERVING_STATES]


def step_down(standings: Standings, arm: str, now: float) -> dict[str, ArmStanding]:
    """Remember when an arm ceased to be the baseline, because the user chose another one."""
    if arm not in standings:
        return dict(standings)
    return {**standings, arm: replace(standings[arm], baseline_until=now)}


def is_spared(standing: ArmStanding, now: float) -> bool:
    """Whether no verdict takes the arm out yet, because it was the baseline until a while ago."""
    until = standing.baseline_until
    return until is not None and now < until + SPARED_SECONDS


def carry(standings: Standings, shares: Mapping[str, float]) -> dict[str, ArmStanding]:
    """Remember the largest share of the arms' traffic that each serving arm has carried."""
    largest = {
        arm: max(standing.carried, round(shares.get(arm, 0.0), 6)) for arm, standing in standings.items()
    }
    return {
        arm: replace(standing, carried=largest[arm])
        if standing.state in SERVING_STATES and largest[arm] != standing.carried
        else standing
        for arm, standing in standings.items()
    }


def gain(
    standings: Mapping[str, ArmStanding], before: Mapping[str, float], after: Mapping[str, float], now: float
) -> dict[str, ArmStanding]:
    """Remember whose share of the arms' traffic grows now, by more than :data:`GAIN` of it."""
    return {
        arm: replace(standing, gained_at=now)
        if after.get(arm, 0.0) > (1.0 + GAIN) * before.get(arm, 0.0)
        else standing
        for arm, standing in standings.items()
    }


def graduate(
    standings: Mapping[str, ArmStanding], arms: Collection[str], now: float
) -> tuple[dict[str, ArmStanding], tuple[Graduated, ...]]:
    """Let those of the ``arms`` that begin follow the strategy like any other."""
    beginning = [arm for arm in arms if _begins(standings[arm]) and not standings[arm].mixed]
    grown = {
        arm: replace(standings[arm], state=ArmState.ACTIVE, since=now, reason=reasons.SERVING)
        for arm in beginning
    }
    return {**standings, **grown}, tuple(map(Graduated, beginning))


def _begins(standing: ArmStanding) -> bool:
    """Whether an arm joins, or carries on under another name or label, and has not shown its trials yet."""
    if standing.state is ArmState.ACTIVE:
        return standing.reason == reasons.NEW_BACKEND
    return standing.state is ArmState.JOINING


def _enter(
    experiment: Experiment, arm: str, before: ArmStanding | None, snapshot: Snapshot, *, first: bool
) -> Step:
    facts, now = snapshot.arms[arm], snapshot.now
    new = ArmStanding(
        ArmState.ACTIVE,
        now,
        reasons.SERVING,
        facts.template,
        identity=facts.identity,
        idle_since=None if facts.weight > 0 else 0.0,  # it has never carried weight here
    )
    if before is None and facts.replicas == 0 and arm not in experiment.set_out:
        # Left at zero by a resource that is gone, or by this one when the arm was taken out of it or had
        # another name; or never started.
        return begin_to_restore(arm, new, now, reasons.FOUND_AT_ZERO)
    state = shadowing.first_state(experiment, arm)
    shadowed = state is ArmState.SHADOWING and not shadowing.serves_already(arm, snapshot.arms)
    if before is None and first and not shadowed:  # it serves already, with the weight that the user gave
        return new, ()
    if before is None and facts.was_arm and facts.weight > 0 and state is ArmState.JOINING:
        # It goes on: were it to begin small, others would get at once what they may never have carried.
        return replace(new, reason=reasons.NEW_BACKEND), (Joined(arm, reasons.NEW_BACKEND),)
    if before is None:
        joined = replace(new, state=state, reason=reasons.NEW_ARM)
        if joined.state is ArmState.SHADOWING and facts.weight == 0:
            joined = replace(joined, idle_since=drain.NEVER_SERVED)
        return joined, (Joined(arm, reasons.NEW_ARM),)
    if arm == experiment.baseline and before.state in DOWN_STATES:
        return begin_to_restore(arm, before, now, reasons.BASELINE)
    template = facts.template if before.template is None else before.template
    identity = facts.identity if before.identity is None else before.identity
    if (template, identity) == (before.template, before.identity):
        return before, ()
    return replace(before, template=template, identity=identity), (IdentityChanged(arm),)


def _serve(experiment: Experiment, arm: str, standing: ArmStanding, facts: ArmFacts, now: float) -> Step:
    """Take out an arm that cannot serve, and let it return once it has stayed up."""
    fault = servable.fault(facts)
    if standing.state in SERVING_STATES and fault is not None:
        gone = replace(
            standing,
            state=ArmState.UNAVAILABLE,
            since=now,
            reason=fault.reason,
            outages=servable.outages(standing, now),
        )
        return gone, (Withheld(arm, fault.reason, fault.message),)
    if standing.state is not ArmState.UNAVAILABLE:
        return standing, ()
    if unwell.is_withheld(experiment, standing, now):
        return standing, ()
    if fault is not None:
        still = replace(standing, reason=fault.reason, up_since=None)
        return still, () if still == standing else (Noticed(arm, fault.reason),)
    if standing.reason == reasons.GUARD_TRIPPED:
        return _returned(standing, now, reasons.SERVING), (Returned(arm),)
    if not servable.is_up(facts):
        return standing, ()
    # A clock that was set back may have been ahead when it came up.
    up = replace(standing, up_since=now if standing.up_since is None else min(standing.up_since, now))
    proven_at = servable.proven_at(up)
    if proven_at is not None and now >= proven_at:
        return _returned(up, now, reasons.SERVING), (Returned(arm),)
    up = replace(up, reason=reasons.STAYING_UP)
    return up, () if up == standing else (Noticed(arm, reasons.STAYING_UP),)


def _returned(
    standing: ArmStanding, now: float, reason: str, state: ArmState = ArmState.JOINING
) -> ArmStanding:
    return replace(
        standing,
        state=state,
        since=now,
        reason=reason,
        up_since=None,
        quiet_since=None,
        carried=0.0,
        set_out=False,
    )


def _idle(standing: ArmStanding, facts: ArmFacts, now: float) -> ArmStanding:
    """Remember since when the arm carries no weight: what is counted for it after that, it did not earn."""
    if facts.weight > 0:
        return standing if standing.idle_since is None else replace(standing, idle_since=None)
    return standing if standing.idle_since is not None else replace(standing, idle_since=now)


def _call_back(
    standings: Standings, snapshot: Snapshot, best_first: Sequence[str]
) -> tuple[dict[str, ArmStanding], list[Outcome]]:
    """Where no arm serves: whatever can serve does, and failing that the best one is scaled up.

    One that does not come up within a minute is followed by the next. An arm that the user has set out is
    the last to be called.
    """
    after, now = dict(standings), snapshot.now
    ordered = [arm for arm in dict.fromkeys(best_first) if arm in after]
    ordered.sort(key=lambda arm: after[arm].set_out)
    up = [arm for arm in ordered if servable.is_up(snapshot.arms[arm])]
    waiting = [arm for arm in up if after[arm].state is ArmState.UNAVAILABLE]
    if waiting:
        after |= {arm: _returned(after[arm], now, reasons.SERVING) for arm in waiting}
        return after, [Returned(arm) for arm in waiting]
    # The endpoints of an arm at zero are those of Pods that go: it is scaled up, not called back.
    staying = [arm for arm in up if snapshot.arms[arm].replicas != 0]
    out = [arm for arm in staying if after[arm].state in OUT_STATES | {ArmState.SHADOWING}]
    if out:
        after[out[0]] = _returned(after[out[0]], now, reasons.NO_OTHER_ARM)
        return after, [Recalled(out[0])]
    coming = [arm for arm in ordered if after[arm].state is ArmState.RESTORING]
    down = [arm for arm in ordered if after[arm].state in DOWN_STATES and snapshot.arms[arm].replicas == 0]
    if not down or any(now < after[arm].since + CALL_SECONDS for arm in coming):
        return after, []
    best = down[0]
    after[best], restored = begin_to_restore(best, after[best], now, reasons.NO_OTHER_ARM)
    return after, [*restored]


def _step(
    experiment: Experiment, arm: str, standing: ArmStanding, snapshot: Snapshot, *, carrying: bool
) -> Step:
    """One step of an arm that is out; ``carrying``: some arm that can serve has weight."""
    facts = snapshot.arms[arm]
    match standing.state:
        case ArmState.RESTORING:
            return _restore(experiment, arm, standing, snapshot)
        case ArmState.DRAINING if carrying:
            return drain.drain(experiment, arm, standing, facts, snapshot)
        case ArmState.DRAINING:
            return drain.waiting(
                arm, standing, replace(standing, reason=reasons.WAITING_FOR_ROUTE, quiet_since=None)
            )
        case ArmState.ROLLED_BACK:
            return _stay_out(experiment, arm, standing, facts, snapshot)
        case _ if standing.previous_replicas is not None:
            return _undo_scale_down(arm, standing, facts, snapshot.now)
        case _:
            return standing, ()


def _restore(experiment: Experiment, arm: str, standing: ArmStanding, snapshot: Snapshot) -> Step:
    """Scale an arm up: to what it had, or where that is not known to what the largest of the others has."""
    facts, now = snapshot.arms[arm], snapshot.now
    if facts.replicas == 0:
        beside = max((one.replicas or 1) for one in snapshot.arms.values())
        replicas = min(standing.previous_replicas or beside, MOST_RESTORED)
        return replace(standing, previous_replicas=replicas), (Scaled(arm, expected=0, replicas=replicas),)
    if not servable.is_up(facts):
        return standing, ()
    state = shadowing.state_of_restored(experiment, arm, standing.reason)
    return _returned(standing, now, standing.reason, state), (Returned(arm),)


def _undo_scale_down(arm: str, standing: ArmStanding, facts: ArmFacts, now: float) -> Step:
    """An arm that has come back just as its replicas were set to 0, which is seen only now, gets them back.

    What is seen at zero later is another hand's.
    """
    if facts.replicas == 0 and standing.previous_replicas is not None:
        replicas = min(standing.previous_replicas, MOST_RESTORED)
        return standing, (Scaled(arm, expected=0, replicas=replicas),)
    settled = facts.replicas is not None and now >= standing.since + SETTLING_SECONDS
    return (replace(standing, previous_replicas=None) if settled else standing), ()


def _stay_out(
    experiment: Experiment, arm: str, standing: ArmStanding, facts: ArmFacts, snapshot: Snapshot
) -> Step:
    """An arm that is out: who else touches its Pods is noticed, and what was kept goes later."""
    asked_for = facts.weight > 0 and snapshot.contested
    if asked_for and facts.replicas == 0:
        up = Scaled(arm, expected=0, replicas=min(standing.previous_replicas or 1, MOST_RESTORED))
        return replace(standing, reason=reasons.PODS_KEPT), (up,)
    free = {
        reasons.PODS_IN_USE: facts.used_elsewhere is None,
        reasons.PODS_KEPT: facts.weight == 0 and not snapshot.contested,
        reasons.DRAINED: bool(facts.replicas) and drain.may_scale(experiment, arm, facts),
    }
    if free.get(standing.reason, False):
        again = replace(standing, state=ArmState.DRAINING, quiet_since=None)
        return again, (DrainStep(arm, standing.reason),)
    if standing.reason == reasons.SCALED_TO_ZERO and facts.replicas:
        return replace(standing, reason=reasons.SCALED_BY_OTHERS), (Noticed(arm, reasons.SCALED_BY_OTHERS),)
    if standing.reason == reasons.SCALED_BY_OTHERS and facts.replicas == 0:
        return replace(standing, reason=reasons.SCALED_TO_ZERO), (Noticed(arm, reasons.SCALED_TO_ZERO),)
    return standing, ()
