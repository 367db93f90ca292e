"""Delays of labels."""

from __future__ import annotations

import random

import numpy as np
import pytest

from bandit_serving.replay import parse_delay


def draws(text: str) -> list[float]:
    delay, rng = parse_delay(text), random.Random(0)
    return [delay.draw(rng) for _ in range(4000)]


def test_a_plain_duration_is_always_the_same() -> None:
    assert set(draws("1.5m")) == {90.0}


def test_a_distribution_has_the_stated_figures() -> None:
    uniform = draws("uniform:1s,3s")
    assert 1 <= min(uniform) <= max(uniform) <= 3
    assert np.mean(uniform) == pytest.approx(2, rel=0.05)
    assert np.mean(draws("exponential:500ms")) == pytest.approx(0.5, rel=0.05)
    lognormal = draws("lognormal:2h,24h")
    assert np.median(lognormal) == pytest.approx(7200, rel=0.1)
    assert np.percentile(lognormal, 95) == pytest.approx(86400, rel=0.15)


@pytest.mark.parametrize(
    "text", ["", "2x", "-1s", "uniform:1s", "exponential:0s", "lognormal:3s,2s", "gamma:1s"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is (no|not a) d"):
        parse_delay(text)
