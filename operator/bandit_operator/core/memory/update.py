"""How a memory takes in a window."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from bandit_operator.core.batch import Work, stacked
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference import evidence as ev
from bandit_operator.core.inference import exposure, forecast, paired
from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.named_arrays import Arrays, Flags, Floats
from bandit_operator.core.inference.paired import PairTick
from bandit_operator.core.inference.shadow import ShadowEvidence, ShadowTick
from bandit_operator.core.inference.shadow import update as update_shadow
from bandit_operator.core.memory import rows
from bandit_operator.core.memory.value import Memory, late_labels, validation
from bandit_operator.core.model import Observed, Paired, RewardType, Shadowed, Window
from bandit_operator.core.strategies import Scored, Tick

_LABELS_GAIN = 0.1
"""Weight of the newest window in the running mean of labels per tick."""


@dataclass(frozen=True, slots=True, eq=False)
class Update(Work[Memory]):
    """A window's sums that a memory takes in, without leading axes."""

    experiment: Experiment
    memory: Memory
    seconds: float
    """Length of the window."""
    tick: Floats
    """Sums ``[M, K]``."""
    observed: Flags
    """Arms that have data ``[K]``."""
    shadow: ShadowTick | None

    @classmethod
    def of(cls, experiment: Experiment, memory: Memory, window: Window) -> Self:
        """The window's sums.

        Arms without data contribute nothing, and a window in which nothing was observed is only
        counted: nothing is forgotten in it either.

        Raises:
            ValueError: the memory is about other arms, see :func:`adapt`.
        """
        _check_fit(experiment, memory)
        tick = mo.from_readings(window.arms, experiment.names, experiment.reward_type)
        observed = np.array([isinstance(window.arms.get(name), Observed) for name in experiment.names])
        shadow = None
        if memory.shadow is not None and window.shadow is not None:
            shadow = _shadow_tick(experiment, window.shadow)
        return cls(experiment, memory, window.end - window.start, tick, observed, shadow)

    def alike(self) -> Hashable:
        """The resources, and the window's length."""
        return rows.alike(self.experiment, self.memory), self.seconds, self.shadow is None

    @classmethod
    def together(cls, works: Sequence[Self]) -> list[Memory]:
        """The memories after the windows."""
        first, before = works[0], [one.memory for one in works]
        updated = update_moments(
            first.experiment,
            rows.stacked(before),
            stacked([one.tick for one in works]),
            first.seconds,
            stacked([one.observed for one in works]),
            stacked([one.shadow for one in works]),
        )
        after = rows.apart(updated, before)
        return [replace(one, ticks=own.ticks + 1) for one, own in zip(after, before, strict=True)]


def update(experiment: Experiment, memory: Memory, window: Window) -> Memory:
    """Memory after one more window; a pure function of its arguments.

    Raises:
        ValueError: the memory is about other arms, see :func:`adapt`.
    """
    return Update.together([Update.of(experiment, memory, window)])[0]


def _check_fit(experiment: Experiment, memory: Memory) -> None:
    if (memory.arms, memory.baseline, memory.strategy, memory.delay) != (
        experiment.names,
        experiment.baseline,
        experiment.strategy.type,
        late_labels(experiment),
    ):
        raise ValueError("memory does not fit the experiment: call adapt() before update()")


def _shadow_tick(experiment: Experiment, shadowed: Shadowed) -> ShadowTick:
    """The sums of a window's shadow by the arms' positions; what is missing, or of others, adds nothing."""
    names = experiment.names
    shape = (len(names), len(names))
    trials, difference, squares = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for (first, second), pair in shadowed.pairs.items():
        if not isinstance(pair, Paired) or first not in names or second not in names:
            continue
        i, j = names.index(first), names.index(second)
        trials[i, j] = trials[j, i] = pair.trials
        difference[i, j], difference[j, i] = pair.difference, -pair.difference
        squares[i, j] = squares[j, i] = pair.squares
    moments = mo.from_readings(shadowed.arms, names, experiment.reward_type)
    return ShadowTick(moments, PairTick(trials, difference, squares))


def update_moments(
    experiment: Experiment,
    memory: Memory,
    tick: Floats,
    seconds: float,
    observed: Flags | None = None,
    shadow: ShadowTick | None = None,
) -> Memory:
    """As :func:`update`, from sums ``[..., M, K]`` with the memory's leading axes.

    Each row of what it gives depends on the same rows of its arguments alone. ``observed`` ``[..., K]``
    tells arms without data from arms without trials, which only matters where labels come late; None means
    that all have data. ``shadow`` is what the shadow scored in the same window, None where it has no data.
    """
    _check_fit(experiment, memory)
    kind, baseline = memory.reward_type, memory.index(memory.baseline)
    waiting, tick, late = _exposed(memory, tick, seconds, observed)
    # Before the first ratio is known, that of the tick itself: at 0 arms would be compared by y alone.
    first = memory.totals[..., mo.TRIALS, baseline] <= 0
    anchor = mo.ratio_anchor(np.where(first[..., None, None], tick, memory.totals), baseline)
    linear = mo.linearise(tick, kind, anchor)
    past = mo.linearise(memory.totals, kind, anchor)
    evidence = ev.update(memory.evidence, linear, past, kind, baseline, late)
    scored = memory.shadow
    if scored is not None and shadow is not None:
        scored = update_shadow(scored, shadow, linear, kind, late)
    seen = Tick(
        moments=tick,
        seconds=seconds,
        reward_type=kind,
        baseline=baseline,
        anchor=anchor,
        validation=validation(experiment),
        shadow=None if shadow is None or memory.shadow is None else _believed(memory.shadow, shadow, kind),
    )
    count = tick[..., mo.TRIALS, :].sum(-1) * experiment.interval / seconds
    running = np.where(memory.labels > 0, memory.labels + _LABELS_GAIN * (count - memory.labels), count)
    return replace(
        memory,
        ticks=memory.ticks + 1,
        totals=memory.totals + tick,
        labels=np.where(count > 0, running, memory.labels),
        state=experiment.strategy.update(memory.state, seen),
        evidence=evidence,
        arrivals=waiting,
        shadow=scored,
    )


def _believed(before: ShadowEvidence, tick: ShadowTick, kind: RewardType) -> Scored:
    """What a strategy takes from the shadow: nothing in rows in which it was contradicted before the tick.

    A difference counts by its variance as it was known before the tick, so that no tick vouches for itself.
    """
    believed = ~before.lies[..., None, None]
    if mo.is_normal(kind):
        spread = paired.variance(before.paired, bounded=False)
    else:
        spread = paired.expected(before.paired)[1]
    counts = believed & (spread > 0)
    factor = np.where(counts, 1.0 / np.where(spread > 0, spread, 1.0), 0.0)
    return Scored(
        moments=np.where(believed, tick.moments, 0.0),
        precision=tick.pairs.trials * factor,
        difference=tick.pairs.difference * factor,
    )


def _exposed(
    memory: Memory, tick: Floats, seconds: float, observed: Flags | None
) -> tuple[Arrays, Floats, tuple[Floats, Floats] | None]:
    """The tick with expected exposures for trials, where labels come late, and their least and most."""
    if memory.delay is None:
        return memory.arrivals, tick, None
    trials, rewards = tick[..., mo.TRIALS, :], tick[..., mo.REWARDS, :]
    everyone = np.ones(trials.shape, dtype=bool) if observed is None else observed
    mean = forecast.forecast(memory.evidence.forecast, memory.reward_type).mean
    waiting, exposures = exposure.update(
        memory.arrivals, trials, rewards, everyone, mean, seconds, memory.delay
    )
    return waiting, np.stack([exposures.told, rewards], axis=-2), (exposures.least, exposures.most)
