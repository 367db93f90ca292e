"""What the shadow says of each arm, in figures for people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference import shadow, verdicts
from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.memory import Memory


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """What the shadow has shown of one arm since its evidence began."""

    trials: float
    """Requests of which its answer in the shadow was rewarded."""
    mean: float | None
    """Mean of these rewards."""
    difference: float | None
    """Mean reward less the baseline's on the same requests; None for the baseline, and before the first."""
    interval: tuple[float, float] | None
    """Of the difference, with the rollback's error rate at all times together; None while it has no end."""
    evidence: float | None
    """e-value of the shadow alone that the baseline is better; None for the baseline."""
    shown_in: float | None = None
    """Seconds after which it is expected to be shown no worse than the baseline but for the margin, if it
    goes on like this; 0 where it is shown already, None where it is not expected.
    """


def report(experiment: Experiment, memory: Memory) -> dict[str, ShadowReport]:
    """What the shadow has shown of each arm; none without a shadow. For a memory without leading axes."""
    if memory.shadow is None or experiment.shadow is None:
        return {}
    evidence, kind, baseline = memory.shadow, memory.reward_type, memory.index(memory.baseline)
    rate = experiment.rollback.error_rate / (len(memory.arms) - 1)
    center, low, high = shadow.interval(evidence, baseline, kind, rate)
    proof = verdicts.shadow_proof(evidence, kind)[baseline]
    means, trials = mo.means(evidence.moments), evidence.moments[mo.TRIALS]
    waits = _shown_in(experiment, memory, center, low)
    result = {}
    for k, arm in enumerate(memory.arms):
        compared = k != baseline and bool(np.isfinite(low[k]))
        result[arm] = ShadowReport(
            trials=float(trials[k]),
            mean=None if np.isnan(means[k]) else float(means[k]),
            difference=float(center[k]) if compared else None,
            interval=(float(low[k]), float(high[k])) if compared else None,
            evidence=None if k == baseline else float(np.exp(min(proof[k], verdicts.LARGEST_LOG))),
            shown_in=float(waits[k]) if compared and np.isfinite(waits[k]) else None,
        )
    return result


def _shown_in(experiment: Experiment, memory: Memory, center: Floats, low: Floats) -> Floats:
    """Seconds until the lower end of each arm's interval is expected to pass −margin ``[K]``; inf for never.

    The interval narrows as the square root of the requests, but for a logarithm: n requests have brought it
    to ``low``, so n ((center − low)/(center + margin))² will have brought it to −margin.
    """
    assert memory.shadow is not None  # its only caller has seen to it
    assert experiment.shadow is not None
    arrays, baseline = memory.shadow.paired, memory.index(memory.baseline)
    seen, ticks = arrays["paired_trials"][baseline], arrays["paired_ticks"][baseline]
    margin = experiment.shadow.margin
    room = np.where(center + margin > 0, center + margin, np.nan)
    with np.errstate(invalid="ignore"):
        needed = seen * ((center - low) / room) ** 2 - seen
    per_tick = seen / np.maximum(ticks, 1.0)
    wait = np.where(per_tick > 0, needed / np.where(per_tick > 0, per_tick, 1.0), np.inf)
    wait = np.where(np.isnan(wait), np.inf, np.maximum(wait, 0.0))
    return np.where(low > -margin, 0.0, wait * experiment.interval)
