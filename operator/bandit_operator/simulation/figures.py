"""Figures of many seeds, and how they are written for people."""

from __future__ import annotations

import math

from bandit_operator.core.inference.named_arrays import Floats


def mean_interval(values: Floats) -> tuple[float, float | None]:
    """Mean, and how far its 95 % confidence interval reaches to both sides; None where one value is all."""
    mean = float(values.mean())
    return mean, 1.96 * float(values.std(ddof=1)) / math.sqrt(values.size) if values.size > 1 else None


def amount(number: float) -> str:
    """A number as people write it: 33,910 and 0.01235, four digits of it at least."""
    return f"{number:,.0f}" if abs(number) >= 1000.0 else f"{number:.4g}"
