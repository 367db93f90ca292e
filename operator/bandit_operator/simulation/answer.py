"""What a simulation is asked for, in two sentences: how long until a verdict, and what it costs."""

from __future__ import annotations

import dataclasses

import numpy as np

from bandit_operator.core.durations import DAY, duration
from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.simulation.figures import amount, mean_interval
from bandit_operator.simulation.play import NEVER, Played
from bandit_operator.simulation.world import World

WEEK = 7 * DAY


def sentences(world: World, strategy: str, played: Played) -> list[str]:
    """Return the answers for one strategy.

    A verdict is an arm that is rolled back, one that is proven the best, or a proof that the best do
    not differ. Runs without one by the end of the world are said to be so, not left out.
    """
    return [
        f"{strategy}: {_verdict(world, played)}{_advice(world, played)}.",
        f"{strategy}: {_cost(world, played)}.",
    ]


def early(world: World, strategy: str, played: Played) -> list[str]:
    """What the first runs of a strategy say after the first ticks, while the rest is still played."""
    seeds, ticks = played.regret.shape
    begun = dataclasses.replace(world, rates=world.rates[:ticks], requests=world.requests[:ticks])
    length = duration(ticks * world.interval)
    reach = 1.96 * (0.25 / seeds) ** 0.5
    text = f"A first look, at {length} of {seeds} runs, which puts shares within {100 * reach:.0f} points:"
    return [text, f"{strategy}: {_verdict(begun, played)}.", f"{strategy}: {_cost(begun, played)}."]


def beside(world: World, plain: Played, scored: Played) -> str:
    """What a world's shadow changes: how long until half of the runs have a verdict, and who meets what."""
    assert world.shadow is not None  # its only caller plays one
    before, after = (_half(world, played) for played in (plain, scored))
    text = (
        f"A shadow of {percent(world.shadow.share)} of the requests, of which"
        f" {percent(world.shadow.alike)} are alike to all arms: half of the runs have a verdict {after},"
        f" and {before} without it."
    )
    if not plain.worse.any():
        return text
    days = world.ticks * world.interval / DAY
    met, meant = (float(played.worse.mean()) / days for played in (scored, plain))
    return (
        f"{text} Arms that are worse than {world.baseline} answer {amount(met)} requests a day, and"
        f" {amount(meant)} without it."
    )


def percent(share: float) -> str:
    """A share as people write it, such as 2.5 %."""
    return f"{100.0 * share:.3g} %"


def _first(world: World, played: Played) -> Floats:
    """Seconds until each run had its first verdict, infinite where it had none ``[S]``."""
    every = np.column_stack([played.rolled_back_at, played.promoted_at, played.settled_at])
    return np.asarray((np.where(every == NEVER, np.inf, every).min(-1) + 1.0) * world.interval)


def _half(world: World, played: Played) -> str:
    middle = float(np.median(_first(world, played)))
    length = world.ticks * world.interval
    return f"not within {duration(length)}" if np.isinf(middle) else f"after {duration(middle)}"


def _verdict(world: World, played: Played) -> str:
    seconds, length = _first(world, played), world.ticks * world.interval
    spans = [(span, name) for span, name in ((DAY, "a day"), (WEEK, "a week")) if span < length]
    spans.append((length, f"the {duration(length)} that were played"))
    shares = [f"{np.mean(seconds <= span):.0%} within {name}" for span, name in spans]
    text = f"a verdict came in {', '.join(shares)}"
    middle = float(np.median(seconds))
    if np.isfinite(middle):
        return f"{text}; half of the runs had one after {duration(middle)}"
    return f"{text}; none within {duration(length)} in {np.mean(np.isinf(seconds)):.0%} of the runs"


def _advice(world: World, played: Played) -> str:
    """What to do where half of the runs came to no verdict in all of the time."""
    if np.isfinite(np.median(_first(world, played))):
        return ""
    return ", so play longer, or send more traffic to the arms"


def _cost(world: World, played: Played) -> str:
    days = world.ticks * world.interval / DAY
    mean, reach = mean_interval(played.regret[:, -1])
    best = np.stack([_best(world, tick) for tick in range(world.ticks)])
    baseline = world.rates[:, world.names.index(world.baseline)]
    gain = float((world.requests * world.size * (best - baseline)).sum()) - mean
    against = f"{amount(abs(gain) / days)} rewards a day {'more' if gain >= 0 else 'less'}"
    within = "" if reach is None else f" ± {amount(reach / days)}"
    price = f"it cost {amount(mean / days)}{within} rewards a day against always the best arm"
    return f"{price}, and earned {against} than staying with {world.baseline}"


def _best(world: World, tick: int) -> float:
    serves = [tick >= start for start in world.serves_from] or [True] * len(world.names)
    return float(world.rates[tick][serves].max())
