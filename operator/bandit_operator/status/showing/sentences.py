"""What a view and its records come to, in words: who leads, how an arm stands, why a decision was made."""

from __future__ import annotations

from collections.abc import Mapping

from bandit_operator.api.record import DecisionRecord, Observation
from bandit_operator.api.status import ArmStatus, Condition, ShadowArmStatus
from bandit_operator.status.figures import number, shown
from bandit_operator.status.showing.view import ArmView, View
from bandit_operator.status.showing.words import meaning


def last_act(view: View) -> str | None:
    """When something was done last."""
    newest = view.acts[0] if view.acts else None
    return None if newest is None else newest.until or newest.time


def leads(view: View) -> str:
    """Who leads, how surely, and with how much of the traffic."""
    if view.leader is None:
        earned = any(arm.mean is not None for arm in view.arms)
        return f"not said while {view.phase}" if earned else "no arm has earned a reward yet"
    certainty = f"the best with probability {view.certainty}" if view.certainty else "how surely is not known"
    winner = "proven best, " if view.winner == view.leader else ""
    return f"{view.leader}, {winner}{certainty}, with {view.leader_share} of the traffic"


def scores(view: View) -> str | None:
    """How much validation scores are still trusted; None where the strategy does not weigh any."""
    if view.scores_trust is None:
        return None
    return f"validation is trusted {shown(view.scores_trust, '.1%')}, by how well it forecast the rewards"


def share(arm: ArmView) -> str:
    """Its share of the traffic."""
    return "–" if arm.share is None else f"{arm.share:.1%}"


def mean(arm: ArmView) -> str:
    """Its mean reward, with the interval."""
    if arm.mean is None:
        return "no rewards yet"
    if arm.interval is None:
        return shown(arm.mean, ".4g")
    low, high = (shown(end, ".4g") for end in arm.interval)
    return f"{shown(arm.mean, '.4g')} ({low}–{high})"


def probability_best(arm: ArmView) -> str:
    """How probably it is the best."""
    return "–" if arm.probability_best is None else shown(arm.probability_best, ".1%")


def evidence(arm: ArmView, baseline: str) -> str:
    """Its evidence of the threshold."""
    if arm.name == baseline:
        return "baseline"
    if arm.evidence is None or arm.threshold is None:
        return "–"
    return f"{shown(arm.evidence, '.3g')} of {shown(arm.threshold, 'g')}"


def state(arm: ArmView) -> str:
    """Its state, and why where it does not simply serve."""
    by = ", by hand" if arm.set_out else ""
    if arm.state == "Shadowing" and arm.shadow is not None:
        return f"{arm.state} ({arm.reason}): {shadow(arm.shadow)}"
    return f"{arm.state} ({arm.reason}{by})" if arm.state not in (None, "Active") else arm.state or "–"


def shadow(of: ShadowArmStatus) -> str:
    """What the shadow has shown of an arm beside the baseline, and when that will do."""
    if of.difference is None or of.low is None or of.high is None:
        return f"{shown(of.trials, ',.0f')} answers judged"
    low, high = (shown(end, "+.3g") for end in (of.low, of.high))
    text = f"{shown(of.difference, '+.3g')} ({low} to {high}) on {shown(of.trials, ',.0f')} requests"
    return text if of.shown_in is None else f"{text}, no worse in about {of.shown_in}"


def condition(one: Condition) -> str:
    """How it stands, why, and what its reason means."""
    return f"{one.type} is {one.status}: {one.message}. [{one.reason}: {meaning(one.reason)}]"


def standing(arm: ArmStatus) -> str:
    """How an arm stands and why, and on what figures it was taken out."""
    text = f"{arm.name} is {arm.state} since {arm.since}: {meaning(arm.reason)}"
    if arm.taken_out is not None and arm.state in ("Draining", "RolledBack", "Restoring"):
        out = arm.taken_out
        figures = (
            f", mean {out.mean} on {out.trials} trials, the baseline's {out.baseline_mean}"
            if out.mean
            else ""
        )
        text += f" It was taken out at {out.time}: {out.message}{figures}."
    return text


def decision(record: DecisionRecord) -> list[str]:
    """Why a decision was made, on which rewards, and what it came to: lines, indented below the first."""
    lines = [f"{record.time}  {record.reason}: {meaning(record.reason)}", f"  {record.message}"]
    if record.window is not None:
        lines.append(f"  Based on rewards from {record.window.start} to {record.window.end}:")
    for arm, seen in (record.observations or {}).items():
        lines.append(
            f"    {arm}: {shown(seen.trials, 'g')} trials, rewards {shown(seen.rewards, 'g')}{_mean(seen)}"
        )
    for arm, why in (record.missing or {}).items():
        lines.append(f"    {arm}: no data ({why})")
    for arm, numbers in (record.implausible or {}).items():
        lines.append(f"    {arm}: not believed, {numbers.message}")
    if record.weights:
        lines.append(f"  Weights: {_weights(record.weights)}")
    return [*lines, *(f"  Action: {action}" for action in record.actions or ())]


def _mean(seen: Observation) -> str:
    trials, rewards = number(seen.trials), number(seen.rewards)
    return f", mean {rewards / trials:.4g}" if trials and rewards is not None and trials > 0 else ""


def _weights(weights: Mapping[str, int]) -> str:
    total = sum(weights.values()) or 1
    return ", ".join(f"{arm} {weight / total:.1%}" for arm, weight in weights.items())
