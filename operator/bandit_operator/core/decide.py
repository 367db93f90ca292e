"""One tick's decision: from what is remembered and what is seen to weights, verdicts and why.

The order is fixed: learn from the window, move the arms' states, take out losers, ask for
holds, and only then let the strategy move traffic, inside the guardrails. Everything here
is pure, so a decision that was recorded can be made again. The rule itself is
:mod:`bandit_operator.core.allocation`; here its rows get the arms' names, and its result a reason.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from bandit_operator.core import (
    allocation,
    drain,
    findings,
    last_shares,
    lifecycle,
    reasons,
    renewal,
    shadowing,
)
from bandit_operator.core.allocation import Allocate, Allocation, Arms
from bandit_operator.core.assess import RollbackEvidence, no_worse
from bandit_operator.core.batch import Steps, result_of, run_together
from bandit_operator.core.decision import Decision, Intention
from bandit_operator.core.evaluate import Basis, Evaluate, Evaluation, FindBasis, Known
from bandit_operator.core.experiment import IS_OVER, Experiment
from bandit_operator.core.holds import Checked, Hold, first_hold
from bandit_operator.core.inference.named_arrays import Flags, Floats
from bandit_operator.core.inference.verdicts import threshold
from bandit_operator.core.learn import learning
from bandit_operator.core.memory import Memory, reset_arm
from bandit_operator.core.model import (
    SERVING_STATES,
    ArmStanding,
    ArmState,
    Mode,
    PromotionAction,
    Snapshot,
    Window,
)
from bandit_operator.core.outcomes import (
    BaselineChanged,
    Held,
    Outcome,
    Pinned,
    RolledBack,
    Scaled,
    Unpinned,
    WeightsMoved,
)
from bandit_operator.core.weights import Outlook, to_weights

Standings = Mapping[str, ArmStanding]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What one decision is made from."""

    experiment: Experiment
    """The settings, parsed from the spec."""
    memory: Memory
    """What was learned up to the start of the snapshot's window."""
    before: Intention
    """The last committed intention."""
    snapshot: Snapshot
    """What is seen now; its window, if there is one, is learned from here."""
    known: Known | None = None
    """What the decision before found, which saves finding it again; it changes no result."""


def decide(
    experiment: Experiment,
    memory: Memory,
    before: Intention,
    snapshot: Snapshot,
    known: Known | None = None,
) -> Decision:
    """Make one decision, from what a :class:`Case` has.

    Returns:
        The decision, with the memory to keep. Doing nothing is one too, with its reason.
    """
    return run_together([deciding(Case(experiment, memory, before, snapshot, known))])[0]


def deciding(case: Case) -> Steps[Decision]:
    """As :func:`decide`, bit for bit, in steps that many resources take together."""
    experiment, memory, before, snapshot = case.experiment, case.memory, case.before, case.snapshot
    if isinstance(snapshot.reading, Window):
        idle = {arm for arm, facts in snapshot.arms.items() if facts.weight == 0}
        memory, window = yield from learning(experiment, memory, before.standings, snapshot.reading, idle)
        snapshot = replace(snapshot, reading=window)
    known = case.known if case.known is not None and case.known.is_about(experiment, memory) else None
    basis = known.basis if known is not None else (yield from result_of(FindBasis(experiment, memory)))
    fallen = bool(allocation.collapsed(basis.surprise, _shares(experiment, before)))
    cycle = lifecycle.advance(
        experiment, before.standings, snapshot, _best_first(experiment, memory), fallen=fallen
    )
    if cycle.restarted:
        for arm in sorted(cycle.restarted):
            labels_come = renewal.labels_still_come(before.standings.get(arm), cycle.standings[arm])
            memory = reset_arm(memory, arm, labels_come=labels_come)
        known, basis = None, (yield from result_of(FindBasis(experiment, memory)))
    standings: Standings
    standings, graduated = lifecycle.graduate(
        cycle.standings, _with_min_trials(experiment, memory, cycle.standings, snapshot), snapshot.now
    )
    standings, onboarded = shadowing.leave(
        experiment, standings, snapshot.arms, no_worse(experiment, memory), snapshot.now
    )
    if isinstance(snapshot.reading, Window) and snapshot.route_in_force:
        standings = lifecycle.carry(standings, before.shares())
    standings, wished = _wishes(experiment, before, standings, snapshot.now)
    verdict = _verdict(experiment, basis.against, standings, snapshot)
    if verdict is not None and experiment.mode is Mode.ACTIVE:
        standings = drain.roll_back(standings, verdict.arm, snapshot.now)
    arms = _arms(experiment, memory, standings, fallen=fallen, shared=before.total > 0)
    known = yield from _evaluated(experiment, memory, arms, basis, known)
    evaluation = known.evaluation if arms.eligible.any() else _unserved(known.evaluation, before)
    hold = _hold(experiment, before, snapshot, standings)
    why = None if hold is None else hold.reason
    kept = last_shares.held_shares(experiment, standings, _shares(experiment, before), why, snapshot.now)
    arms = replace(arms, kept=kept)
    allocate = _allocate(experiment, before, arms, evaluation, basis.outlook, held=hold is not None)
    allocated = yield from result_of(allocate)
    move = _explain(experiment, before, standings, allocated, hold, verdict)
    acted = experiment.mode is Mode.ACTIVE
    if acted:
        after = replace(before, weights=move.weights)
        standings = lifecycle.gain(standings, before.shares(), after.shares(), snapshot.now)
        standings = drain.noted_idle(standings, before.weights, after.weights, snapshot.now)
        standings = last_shares.noted(experiment, standings, after.shares(), held=hold is not None)
    else:
        standings = last_shares.forgotten(standings)
    stepped = (one for one in (*cycle.outcomes, *graduated) if acted or not isinstance(one, Scaled))
    return Decision(
        weights=move.weights,
        standings=standings,
        outcomes=(
            *wished,
            *stepped,
            *onboarded,
            *([verdict] if verdict is not None and acted else []),
            *move.outcomes,
            *findings.findings(before, evaluation),
        ),
        reports=findings.reports(experiment, memory, evaluation),
        memory=memory,
        reason=move.reason,
        message=move.message,
        threshold=evaluation.threshold,
        total=before.total,
        promoted=evaluation.promoted,
        announced=evaluation.promoted or (None if before.announced in cycle.restarted else before.announced),
        no_material_difference=evaluation.no_material_difference,
        delay_profile_suspect=evaluation.delay_profile_suspect,
        scores_trust=evaluation.scores_trust,
        shadow_contradicted=evaluation.shadow_contradicted,
        change=evaluation.change,
        pinned=experiment.pin,
        baseline=experiment.baseline,
        samples_apart=snapshot.reading.samples_apart if isinstance(snapshot.reading, Window) else None,
        known=known,
    )


def _evaluated(
    experiment: Experiment, memory: Memory, arms: Arms, basis: Basis, known: Known | None
) -> Steps[Known]:
    """What the memory says of these arms; ``known`` where it is about the same."""
    everybody = np.ones(len(experiment.arms), dtype=bool)
    eligible = arms.eligible if arms.eligible.any() else everybody
    chosen = arms.chosen if arms.chosen.any() else everybody
    if (
        known is not None
        and np.array_equal(known.eligible, eligible)
        and np.array_equal(known.chosen, chosen)
    ):
        return known
    evaluation = yield from result_of(Evaluate(experiment, memory, eligible, chosen, basis.against))
    return Known(experiment, memory, basis, eligible, chosen, evaluation)


def _unserved(evaluation: Evaluation, before: Intention) -> Evaluation:
    """What is known while no arm can serve: nothing new, and no winner to go on with."""
    alike = evaluation.no_material_difference and before.no_material_difference
    return replace(evaluation, promoted=None, no_material_difference=alike)


def _best_first(experiment: Experiment, memory: Memory) -> list[str]:
    """The arms by what they have earned so far; those of which nothing is known come last."""
    trials, rewards = memory.trials, memory.rewards
    means = np.where(trials > 0, rewards / np.maximum(trials, 1e-12), -np.inf)
    return [experiment.names[k] for k in np.argsort(-means, kind="stable")]


# ---- the arms as rows -----------------------------------------------------------------


def _flags(experiment: Experiment, standings: Standings, states: Collection[ArmState]) -> Flags:
    return np.array([standings[arm].state in states for arm in experiment.names])


def _named(experiment: Experiment, flags: Flags) -> tuple[str, ...]:
    return tuple(arm for arm, flag in zip(experiment.names, flags, strict=True) if flag)


def _with_min_trials(
    experiment: Experiment, memory: Memory, standings: Standings, snapshot: Snapshot
) -> tuple[str, ...]:
    """Arms that have shown what it takes to follow the strategy.

    Where that is nothing, an arm begins all the same until a window of its own: what is counted in the one
    in which it began may be of what had its name before.
    """
    trials, reading = memory.trials_with_shadow, snapshot.reading
    begun = reading.start if isinstance(reading, Window) else -math.inf
    own = np.array([standings[arm].since <= begun for arm in experiment.names])
    return _named(experiment, (trials >= experiment.guardrails.min_trials) & (own | (trials > 0)))


def _shares(experiment: Experiment, before: Intention) -> Floats:
    shares = before.shares()
    return np.array([shares.get(arm, 0.0) for arm in experiment.names])


def _arms(
    experiment: Experiment, memory: Memory, standings: Standings, *, fallen: bool, shared: bool
) -> Arms:
    eligible = _flags(experiment, standings, SERVING_STATES)
    is_baseline = allocation.named(experiment.names, experiment.baseline)
    return Arms(
        eligible,
        joining=_flags(experiment, standings, {ArmState.JOINING}),
        unproven=memory.trials_with_shadow < experiment.guardrails.min_trials,
        carried=np.array([standings[arm].carried for arm in experiment.names]),
        probed=eligible & is_baseline & fallen,
        pinned=allocation.named(experiment.names, experiment.pin if shared else None),
        learns=experiment.strategy.learns,
        shared=shared,
    )


# ---- verdict, holds, weights ----------------------------------------------------------


def _wishes(
    experiment: Experiment, before: Intention, standings: Standings, now: float
) -> tuple[Standings, tuple[Outcome, ...]]:
    """What the user wants now and did not before, of the whole rather than of single arms."""
    outcomes: list[Outcome] = []
    if experiment.pin != before.pinned:
        outcomes += [] if before.pinned is None else [Unpinned(before.pinned)]
        outcomes += [] if experiment.pin is None else [Pinned(experiment.pin)]
    if before.baseline not in (None, experiment.baseline):
        assert before.baseline is not None  # for the type checker
        outcomes.append(BaselineChanged(before.baseline, experiment.baseline, before.baseline in standings))
        standings = lifecycle.step_down(standings, before.baseline, now)
    return standings, tuple(outcomes)


def _verdict(
    experiment: Experiment, against: RollbackEvidence, standings: Standings, snapshot: Snapshot
) -> RolledBack | None:
    if snapshot.verdicts_suspended:
        return None  # whether the user still wants one is not known
    if experiment.pin is not None:
        return None  # whoever pins an arm wants the others as they are, to go back to
    if standings[experiment.baseline].state is not ArmState.ACTIVE:
        return None  # what others are compared with must serve, and be known
    spared = np.array([lifecycle.is_spared(standings[arm], snapshot.now) for arm in experiment.names])
    candidates = _flags(experiment, standings, SERVING_STATES | {ArmState.SHADOWING})
    baseline = experiment.names.index(experiment.baseline)
    losers = np.flatnonzero(
        allocation.loser(against.proven & ~spared, against.log_e_value, candidates, baseline)
    )
    if not losers.size:
        return None
    return RolledBack(
        arm=experiment.names[losers[0]],
        baseline=experiment.baseline,
        log_e_value=float(against.log_e_value[losers[0]]),
        threshold=threshold(len(experiment.names), experiment.rollback.error_rate),
        by_shadow=bool(against.by_shadow[losers[0]]),
    )


def _hold(experiment: Experiment, before: Intention, snapshot: Snapshot, standings: Standings) -> Hold | None:
    """Why the weights may not follow the strategy now, or None."""
    shares = before.shares()
    eligible = [arm for arm in experiment.names if standings[arm].state in SERVING_STATES]
    if not eligible:
        return Hold(reasons.NO_ARM_AVAILABLE, "no arm can serve; the weights stay as they are")
    if before.total == 0:
        return Hold(
            reasons.NO_SHARE, "other backends have all of the rule's weight; give the arms some of it"
        )
    violated = first_hold(
        Checked(
            experiment,
            snapshot,
            shares={arm: shares.get(arm, 0.0) for arm in eligible},
            gained={arm: _gained_at(standings[arm]) for arm in eligible},
            mixed={arm for arm in eligible if standings[arm].mixed},
        )
    )
    if violated is None and experiment.is_over(snapshot.now):
        return Hold(reasons.MAX_DURATION_REACHED, IS_OVER)
    return violated


def _gained_at(standing: ArmStanding) -> float:
    """When an arm came to have more of the traffic: labels of before are for less."""
    joined = standing.since if standing.state is ArmState.JOINING else -math.inf
    return max(joined, -math.inf if standing.gained_at is None else standing.gained_at)


def _allocate(
    experiment: Experiment,
    before: Intention,
    arms: Arms,
    evaluation: Evaluation,
    expected: Outlook,
    *,
    held: bool,
) -> Allocate:
    promotes = experiment.promotion.action is PromotionAction.PROMOTE
    return Allocate(
        experiment.guardrails,
        arms,
        current=_shares(experiment, before),
        wanted=np.array([evaluation.shares.get(arm, 0.0) for arm in experiment.names]),
        winner=np.array([promotes and arm == evaluation.promoted for arm in experiment.names]),
        held=np.array(held),
        outlook=expected,
    )


@dataclass(frozen=True, slots=True)
class _Move:
    weights: Mapping[str, int]
    reason: str
    message: str
    outcomes: tuple[Outcome, ...] = ()


def _explain(
    experiment: Experiment,
    before: Intention,
    standings: Standings,
    allocated: Allocation,
    hold: Hold | None,
    verdict: RolledBack | None,
) -> _Move:
    """Turn the proposed shares into weights, or keep the old ones, and say why."""
    names, shares = experiment.names, before.shares()
    kept = {arm: before.weights.get(arm, 0) for arm in names}
    moves = bool(allocated.moves)
    proposed = dict(zip(names, allocated.shares.tolist(), strict=True))
    message = ", ".join(f"{arm} {shares.get(arm, 0.0):.1%}→{proposed[arm]:.1%}" for arm in names)
    if verdict is not None:
        message = f"{verdict}; {message}"
    waits = hold is not None and hold.reason not in reasons.NOTHING_DUE | {reasons.MAX_DURATION_REACHED}
    # Something is missing as well where weights move all the same, as when an arm can serve no more.
    held = (Held(hold.reason, hold.message),) if hold is not None and waits else ()
    if not moves and verdict is not None and experiment.mode is Mode.ACTIVE:
        return _Move(kept, reasons.ROLLED_BACK, str(verdict), held)  # it had no weight to lose
    if not moves and hold is not None:
        return _Move(kept, hold.reason, hold.message, held)
    if experiment.mode is Mode.OBSERVE and verdict is not None:
        return _Move(kept, reasons.OBSERVE_ONLY, f"would roll {verdict.arm} back: {verdict}")
    if experiment.mode is Mode.OBSERVE:
        return _Move(kept, reasons.OBSERVE_ONLY, f"would set {message}" if moves else "no change")
    pinned = experiment.pin is not None and standings[experiment.pin].state in SERVING_STATES
    if not moves and pinned:
        return _Move(kept, reasons.PINNED, f"spec.pin: all traffic stays with {experiment.pin}")
    if not moves:
        return _Move(kept, reasons.BELOW_MIN_CHANGE, "no share would change enough")
    weights = dict(zip(names, to_weights(allocated.shares, before.total).tolist(), strict=True))
    moved = (*((WeightsMoved(kept, weights),) if weights != kept else ()), *held)
    if pinned:
        return _Move(weights, reasons.PINNED, f"spec.pin: {message}", moved)
    return _Move(weights, _reason(standings, bool(allocated.taken_out.any()), verdict), message, moved)


def _reason(standings: Standings, taken_out: bool, verdict: RolledBack | None) -> str:
    if verdict is not None:
        return reasons.ROLLED_BACK
    if taken_out:
        return reasons.AVAILABILITY_CHANGED
    if any(standing.state is ArmState.JOINING for standing in standings.values()):
        return reasons.WARMING_UP
    return reasons.WEIGHTS_MOVED
