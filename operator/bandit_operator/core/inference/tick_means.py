"""E3: whole ticks as single observations, which nothing inside a tick can deceive.

The mean reward of an arm in a tick lies in [0, 1], and for two arms of which the first is no better
its expectation is no larger, whatever the requests of one tick have in common. So the e-value of
:mod:`.likelihood` for **one** trial of each arm, with the means of the tick for their rewards, is
exact in every world: a bounded reward may stand for a Bernoulli one, since the likelihood ratio is
convex in it. It is slow for faint differences and quick where one arm is dead, also at one request
a tick, which the other two tests are not.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bandit_operator.core.inference.named_arrays import Arrays, Axes, Field, Floats
from bandit_operator.core.inference.pairs import Pairs, swapped
from bandit_operator.core.inference.restarts import restart_weight, unused_weight

_CLIP = 0.02
"""No forecast is taken to be surer than this of a whole tick."""


def fields() -> Mapping[str, Field]:
    """Return the arrays that the test carries from tick to tick."""
    return {"tick_growth": Field(Axes.PAIR, fill=-np.inf)}  # ln M: row better than column


def update(arrays: Arrays, pairs: Pairs) -> dict[str, Floats]:
    """The arrays after one more comparison; rewards must lie in [0, 1] and belong to their trials."""
    ready = pairs.ready
    mean = np.where(ready, pairs.rewards / np.where(ready, pairs.trials, 1.0), 0.5)
    y_i = np.clip(mean, 0.0, 1.0)
    y_j = swapped(y_i)
    high = np.clip(np.where(ready, pairs.mean, 0.5), _CLIP, 1.0 - _CLIP)
    low = swapped(high)
    null = (high + low) / 2.0
    gained = y_i * np.log(high / null) + (1.0 - y_i) * np.log((1.0 - high) / (1.0 - null))
    gained = gained + y_j * np.log(low / null) + (1.0 - y_j) * np.log((1.0 - low) / (1.0 - null))
    begun = np.logaddexp(arrays["tick_growth"], np.log(restart_weight(pairs.number)))
    growth = begun + np.where(high > low, gained, 0.0)
    return {"tick_growth": np.where(ready, growth, arrays["tick_growth"])}


def log_e_value(arrays: Arrays, compared: Floats) -> Floats:
    """Ln of the e-value that the row's arm is better than the column's, after so many comparisons."""
    return np.asarray(np.logaddexp(arrays["tick_growth"], np.log(unused_weight(compared))))
