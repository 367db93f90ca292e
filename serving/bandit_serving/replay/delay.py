"""How long labels take: a fixed time or a distribution."""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Callable

from bandit_serving.durations import parse_duration

_NORMAL_P95 = 1.6448536269514722  # 95th percentile of the standard normal distribution


@dataclasses.dataclass(frozen=True)
class Delay:
    """A delay in seconds; ``draw`` takes the random generator."""

    text: str
    """The delay as it was written."""
    draw: Callable[[random.Random], float]
    """Returns one delay in seconds."""


def parse_delay(text: str) -> Delay:
    """Parse a delay.

    Args:
        text: ``2s`` (always), ``uniform:1s,3s`` (between), ``exponential:2s`` (with this mean), or
            ``lognormal:2h,24h`` (with this median and 95th percentile, the way in which real labels usually
            come).

    Raises:
        ValueError: The text is none of these.
    """
    kind, colon, rest = text.partition(":")
    if not colon:
        fixed = parse_duration(text)
        return Delay(text, lambda _rng: fixed)
    values = [parse_duration(part) for part in rest.split(",")]
    if kind == "uniform" and len(values) == 2:
        low, high = values
        return Delay(text, lambda rng: rng.uniform(low, high))
    if kind == "exponential" and len(values) == 1 and values[0] > 0:
        rate = 1 / values[0]
        return Delay(text, lambda rng: rng.expovariate(rate))
    if kind == "lognormal" and len(values) == 2 and 0 < values[0] < values[1]:
        mu = math.log(values[0])
        sigma = (math.log(values[1]) - mu) / _NORMAL_P95
        return Delay(text, lambda rng: rng.lognormvariate(mu, sigma))
    raise ValueError(f"{text!r} is no delay; write 2s, uniform:1s,3s, exponential:2s or lognormal:2h,24h")
