"""Requests that do not follow the weights are told from chance, relatively, at any traffic."""

from __future__ import annotations

import numpy as np
import pytest

from bandit_operator.reconcile.realised import Realised

NAMES = ("a", "b")
SHARES = {"a": 0.95, "b": 0.05}


def played(realised: Realised, share: float, windows: int, requests: int, seed: int = 0) -> list[bool]:
    """Whether it was said after each window that requests do not follow."""
    generator, said = np.random.default_rng(seed), []
    for _ in range(windows):
        small = float(generator.binomial(requests, share))
        realised.add({"a": requests - small, "b": small}, SHARES, NAMES)
        said.append(realised.not_followed() is not None)
    return said


@pytest.mark.parametrize("seed", range(5))
def test_an_arm_that_gets_three_of_its_five_percent_is_noticed_at_twelve_requests_a_second(seed: int) -> None:
    said = played(Realised(), 0.03, windows=60, requests=360, seed=seed)
    assert any(said[:50])


@pytest.mark.parametrize("seed", range(5))
def test_shares_that_follow_are_not_taken_for_others_in_a_thousand_windows(seed: int) -> None:
    assert not any(played(Realised(), 0.05, windows=1000, requests=360, seed=seed))


@pytest.mark.parametrize("seed", range(5))
def test_what_is_right_again_is_said_no_more_within_ten_windows(seed: int) -> None:
    realised = Realised()
    assert played(realised, 0.002, windows=50, requests=2000, seed=seed)[-1]
    assert not played(realised, 0.05, windows=12, requests=2000, seed=seed)[-1]


def test_weights_that_change_are_each_compared_with_their_own_requests() -> None:
    realised = Realised()
    for share in np.linspace(0.05, 0.95, 40):
        got = round(1000 * share)
        realised.add({"a": 1000 - got, "b": got}, {"a": 1 - share, "b": share}, NAMES)
        assert realised.not_followed() is None


def test_the_arm_its_share_and_what_it_got_are_named() -> None:
    realised = Realised()
    played(realised, 0.5, windows=1, requests=1000)
    message = realised.not_followed()
    assert message is not None
    assert message.startswith("arm a is meant to get 95.0% of the requests and gets ")
