"""How the weight of a test is spread over its possible beginnings.

An e-process that starts today would find out tomorrow's break only after paying back all it
lost until then. So the products restart at every tick t with a small weight π_t:
M_t = (M_{t−1} + π_t) e_t. Four fifths of the weight start at once; the rest is spread over an
unlimited life by

    π_t = 0.2 [(1 + t/5000)^−½ − (1 + (t+1)/5000)^−½],   Σ π_t = 1 exactly,

which costs ln(1/π_t): about 11 at t = 3,000 and 15 at t = 100,000. M_t plus the weight not yet
used is a non-negative supermartingale that starts at 1, so by Ville's inequality it ever
reaches 1/α with probability at most α, however long the resource lives. A heavier tail such
as 1/(t log² t) costs more than this up to a million ticks (a year at 30 s). The mixture is
in the spirit of Shin, Ramdas & Rinaldo, "E-detectors: a nonparametric framework for sequential
change detection" (2022), with weights that sum to 1 instead of 1 each.
"""

from __future__ import annotations

import numpy as np

from bandit_operator.core.inference.named_arrays import Floats

AT_ONCE = 0.8
"""What a test has from its first tick; the rest is spread over its life."""
SCALE = 5_000.0
POWER = 0.5


def restart_weight(age: Floats) -> Floats:
    """π_t for the test's t-th tick, counted from 0."""
    return unused_weight(age) - unused_weight(age + 1.0)


def unused_weight(age: Floats) -> Floats:
    """Σ of π over the ticks that are still to come after ``age`` ticks; 1 at age 0."""
    rest = (1.0 - AT_ONCE) * (1.0 + np.maximum(age, 0.0) / SCALE) ** -POWER
    return np.where(age <= 0, 1.0, rest)
