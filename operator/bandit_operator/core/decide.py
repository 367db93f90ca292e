"""One tick's decision: from what is remembered and what is seen to weights, verdicts and why.

The order is fixed: learn from the window, move the arms' states, take out losers, ask the
guards, and only then let the strategy move traffic, inside the guardrails. Everything here
is pure, so a decision that was recorded can be made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bandit_operator.core import lifecycle, reasons
from bandit_operator.core.decision import ArmReport, Decision
from bandit_operator.core.evaluate import Evaluation, evaluate
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.guards import Guarded, Hold, first_violated
from bandit_operator.core.memory import Memory, reset_arm, update
from bandit_operator.core.model import (
    WEIGHT_TOTAL,
    ArmStanding,
    ArmState,
    Mode,
    PromotionAction,
    Snapshot,
    Window,
)
from bandit_operator.core.weights import changed_enough, guarded_shares, to_weights


@dataclass(frozen=True, slots=True)
class Intention:
    """What was decided before: the arms' standings and the weights the route should carry.

    ``weights`` are integers in units of ``total``; both come from the last committed status,
    or from the route itself for a resource that has none yet.
    """

    standings: Mapping[str, ArmStanding]
    weights: Mapping[str, int]
    total: int = WEIGHT_TOTAL

    def shares(self) -> dict[str, float]:
        """Share of the arms' traffic that each arm has; 0 for all where no arm has weight."""
        total = sum(self.weights.values())
        return {arm: weight / total if total else 0.0 for arm, weight in self.weights.items()}


def decide(experiment: Experiment, memory: Memory, before: Intention, snapshot: Snapshot) -> Decision:
    """Make one decision.

    Args:
        experiment: The settings, parsed from the spec.
        memory: What was learned up to the start of the snapshot's window.
        before: The last committed intention.
        snapshot: What is seen now; its window, if there is one, is learned from here.

    Returns:
        The decision, with the memory to keep. Doing nothing is one too, with its reason.
    """
    if isinstance(snapshot.reading, Window):
        memory = update(experiment, memory, snapshot.reading)
    cycle = lifecycle.advance(experiment, before.standings, snapshot)
    for arm in sorted(cycle.restarted):
        memory = reset_arm(memory, arm)
    standings = _season(experiment, memory, cycle.standings, snapshot.now)
    evaluation = evaluate(experiment, memory, _eligible(standings) or experiment.names)
    loser = _loser(experiment, evaluation, standings, snapshot)
    if loser is not None and experiment.mode is Mode.ACTIVE:
        standings = lifecycle.roll_back(standings, loser, snapshot.now)
        evaluation = evaluate(experiment, memory, _eligible(standings) or experiment.names)
    move = _move(experiment, memory, before, snapshot, standings, evaluation, loser)
    return Decision(
        weights=move.weights,
        scales=cycle.scales if experiment.mode is Mode.ACTIVE else (),
        standings=standings,
        reports=_reports(experiment, memory, evaluation),
        memory=memory,
        reason=move.reason,
        message=move.message,
        threshold=evaluation.threshold,
        promoted=evaluation.promoted,
        no_material_difference=evaluation.no_material_difference,
        delay_profile_suspect=evaluation.delay_profile_suspect,
        change=evaluation.change,
    )


@dataclass(frozen=True, slots=True)
class _Move:
    weights: Mapping[str, int]
    reason: str
    message: str


def _season(
    experiment: Experiment, memory: Memory, standings: Mapping[str, ArmStanding], now: float
) -> Mapping[str, ArmStanding]:
    for arm, standing in standings.items():
        if standing.state is ArmState.JOINING and _is_seasoned(experiment, memory, arm):
            standings = lifecycle.season(standings, arm, now)
    return standings


def _is_seasoned(experiment: Experiment, memory: Memory, arm: str) -> bool:
    return float(memory.trials[memory.index(arm)]) >= experiment.guardrails.min_trials


def _eligible(standings: Mapping[str, ArmStanding]) -> tuple[str, ...]:
    return tuple(arm for arm, standing in standings.items() if standing.state in lifecycle.SERVING_STATES)


def _loser(
    experiment: Experiment, evaluation: Evaluation, standings: Mapping[str, ArmStanding], snapshot: Snapshot
) -> str | None:
    """The arm to take out now: at most one a tick, never the baseline, never the last that serves."""
    healthy = [arm for arm in _eligible(standings) if snapshot.arms[arm].available is not False]
    losers = [
        arm
        for arm in sorted(evaluation.rolled_back)
        if arm != experiment.baseline and standings[arm].state in lifecycle.SERVING_STATES
    ]
    if not losers or len(healthy) < 2:
        return None
    return max(losers, key=lambda arm: (evaluation.evidence.get(arm) or 0.0, arm))


def _move(
    experiment: Experiment,
    memory: Memory,
    before: Intention,
    snapshot: Snapshot,
    standings: Mapping[str, ArmStanding],
    evaluation: Evaluation,
    loser: str | None,
) -> _Move:
    """Choose the weights: hold, take weight from arms that may not have it, or follow the strategy."""
    shares = {arm: before.shares().get(arm, 0.0) for arm in experiment.names}
    eligible = _eligible(standings)
    if not eligible:
        return _Move(
            _kept(experiment, before),
            reasons.NO_ARM_AVAILABLE,
            "no arm can serve; the weights stay as they are",
        )
    hold = first_violated(
        Guarded(
            experiment,
            snapshot,
            shares={arm: shares[arm] for arm in eligible},
            joined={
                arm: standings[arm].since for arm in eligible if standings[arm].state is ArmState.JOINING
            },
        )
    )
    barred = [arm for arm in experiment.names if arm not in eligible and shares[arm] > 0]
    if hold is not None:
        target = _without_barred(shares, eligible)
    else:
        target = _target(experiment, memory, evaluation, standings, shares)
    proposed = _guarded(experiment, standings, target, shares, held=hold is not None)
    return _explain(experiment, before, standings, proposed, barred, hold, loser, evaluation)


def _kept(experiment: Experiment, before: Intention) -> dict[str, int]:
    return {arm: before.weights.get(arm, 0) for arm in experiment.names}


def _without_barred(shares: Mapping[str, float], eligible: tuple[str, ...]) -> dict[str, float]:
    """The present shares, with what arms out of service carried handed to the others in proportion."""
    left = sum(shares[arm] for arm in eligible)
    if left <= 0:
        return {arm: 1 / len(eligible) if arm in eligible else 0.0 for arm in shares}
    return {arm: shares[arm] / left if arm in eligible else 0.0 for arm in shares}


def _target(
    experiment: Experiment,
    memory: Memory,
    evaluation: Evaluation,
    standings: Mapping[str, ArmStanding],
    shares: Mapping[str, float],
) -> dict[str, float]:
    """The shares that strategy, promotion and warm-up ask for, before the guardrails."""
    eligible = _eligible(standings)
    if evaluation.promoted in eligible and experiment.promotion.action is PromotionAction.PROMOTE:
        return {arm: float(arm == evaluation.promoted) for arm in shares}
    fresh = tuple(arm for arm in eligible if _is_fresh(experiment, memory, standings, arm))
    if not fresh:
        return {arm: evaluation.shares.get(arm, 0.0) for arm in shares}
    return _warm_up(experiment, memory, eligible, fresh, shares)


def _is_fresh(experiment: Experiment, memory: Memory, standings: Mapping[str, ArmStanding], arm: str) -> bool:
    """Whether a strategy may not choose the share of an arm yet.

    One that learns from rewards needs enough of every arm. One that does not may begin with any split,
    but has none for an arm that comes later: what that may not have yet stays where it is.
    """
    if experiment.strategy.learns:
        return not _is_seasoned(experiment, memory, arm)
    return standings[arm].state is ArmState.JOINING


def _warm_up(
    experiment: Experiment,
    memory: Memory,
    eligible: tuple[str, ...],
    fresh: tuple[str, ...],
    shares: Mapping[str, float],
) -> dict[str, float]:
    """Give fresh arms a small share, and let the strategy split the rest.

    Where there are no others, the user's own split stands, except that nobody is left without
    the traffic that it takes to be judged.
    """
    small = min(experiment.guardrails.new_arm_share, 0.5 / len(fresh))
    target = dict.fromkeys(shares, 0.0)
    known = tuple(arm for arm in eligible if arm not in fresh)
    if known:
        split = evaluate(experiment, memory, known).shares
        rest = 1.0 - small * len(fresh)
        return {**target, **dict.fromkeys(fresh, small), **{arm: rest * split[arm] for arm in known}}
    present = _without_barred(shares, eligible)
    lifted = {
        arm: max(present[arm], min(experiment.guardrails.new_arm_share, 1 / len(eligible)))
        for arm in eligible
    }
    total = sum(lifted.values())
    return {**target, **{arm: share / total for arm, share in lifted.items()}}


def _guarded(
    experiment: Experiment,
    standings: Mapping[str, ArmStanding],
    target: Mapping[str, float],
    shares: Mapping[str, float],
    *,
    held: bool,
) -> dict[str, float]:
    names = experiment.names
    eligible = np.array([standings[arm].state in lifecycle.SERVING_STATES for arm in names])
    if held:
        return dict(target)
    joining = np.array([standings[arm].state is ArmState.JOINING for arm in names])
    result = guarded_shares(
        np.array([target[arm] for arm in names]),
        np.array([shares[arm] for arm in names]),
        eligible,
        joining,
        experiment.guardrails,
    )
    return dict(zip(names, result.tolist(), strict=True))


def _explain(
    experiment: Experiment,
    before: Intention,
    standings: Mapping[str, ArmStanding],
    proposed: Mapping[str, float],
    barred: list[str],
    hold: Hold | None,
    loser: str | None,
    evaluation: Evaluation,
) -> _Move:
    """Turn the proposed shares into weights, or keep the old ones, and say why."""
    names = experiment.names
    shares = before.shares()
    current = np.array([shares.get(arm, 0.0) for arm in names])
    wanted = np.array([proposed[arm] for arm in names])
    moves = bool(barred) or (
        hold is None and bool(changed_enough(current, wanted, experiment.guardrails.min_change))
    )
    told = ", ".join(f"{arm} {shares.get(arm, 0.0):.1%}→{proposed[arm]:.1%}" for arm in names)
    if loser is not None:
        because = (
            f"{loser} is worse than {experiment.baseline}: e-value {_e_value(evaluation, loser)} "
            f"crossed {evaluation.threshold:.0f}"
        )
        told = f"{because}; {told}"
    if experiment.mode is Mode.OBSERVE:
        return _Move(
            _kept(experiment, before), reasons.OBSERVE_ONLY, f"would set {told}" if moves else "no change"
        )
    if not moves:
        if hold is not None:
            return _Move(_kept(experiment, before), hold.reason, hold.message)
        return _Move(_kept(experiment, before), reasons.BELOW_MIN_CHANGE, "no share would change enough")
    weights = dict(zip(names, to_weights(wanted, before.total).tolist(), strict=True))
    return _Move(weights, _reason(standings, barred, loser), told)


def _e_value(evaluation: Evaluation, arm: str) -> str:
    evidence = evaluation.evidence.get(arm)
    return "unknown" if evidence is None else f"{evidence:.3g}"


def _reason(standings: Mapping[str, ArmStanding], barred: list[str], loser: str | None) -> str:
    if loser is not None:
        return reasons.ROLLED_BACK
    if barred:
        return reasons.AVAILABILITY_CHANGED
    if any(standing.state is ArmState.JOINING for standing in standings.values()):
        return reasons.WARMING_UP
    return reasons.WEIGHTS_MOVED


def _reports(experiment: Experiment, memory: Memory, evaluation: Evaluation) -> dict[str, ArmReport]:
    return {
        arm: ArmReport(
            trials=float(memory.trials[memory.index(arm)]),
            rewards=float(memory.rewards[memory.index(arm)]),
            mean=evaluation.mean.get(arm),
            interval=evaluation.interval.get(arm),
            probability_best=evaluation.probability_best.get(arm),
            evidence=evaluation.evidence.get(arm),
        )
        for arm in experiment.names
    }
