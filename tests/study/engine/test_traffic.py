"""Each request is served by one arm, and its label is not seen before it comes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from bandit_study.engine.draws import draw
from bandit_study.engine.stream import Stream
from bandit_study.engine.traffic import Traffic, choose

SHARES = np.array([[0.5, 0.3, 0.2], [0.0, 1.0, 0.0]])


@pytest.fixture
def stream(make_stream: Callable[..., Stream]) -> Stream:
    return make_stream(np.tile([0.9, 0.5, 0.1], (30, 1)), size=50)


def test_every_request_is_served_by_exactly_one_arm_in_proportion_to_the_weights() -> None:
    route = np.random.default_rng(0).random((2, 20_000)).astype(np.float32)
    arms = choose(SHARES, route)
    assert arms.shape == route.shape
    counts = np.array([np.bincount(row, minlength=3) for row in arms])
    assert counts.sum() == route.size
    assert counts[0] / 20_000 == pytest.approx(SHARES[0], abs=0.01)
    assert counts[1].tolist() == [0, 20_000, 0]


def test_an_arm_without_weight_serves_nothing_even_at_the_ends_of_the_interval() -> None:
    route = np.array([[0.0, np.nextafter(np.float32(1), np.float32(0))]], dtype=np.float32)
    for shares in ([0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.1, 0.9 - 1e-12, 0.0]):
        served = choose(np.array([shares]), route)
        assert all(shares[arm] > 0 for arm in served.ravel())


def test_every_label_is_seen_in_the_chunk_in_which_it_comes_and_tells_of_the_arm_that_served(
    stream: Stream,
) -> None:
    draws = draw(stream, 2)
    traffic = Traffic(stream, draws)
    seen = [traffic.serve(SHARES) for _ in range(stream.chunks)]
    for seed in range(2):
        expected = np.zeros((2, stream.chunks + 20, 3))
        for request in range(len(stream.target)):
            come = int(stream.chunk_of[request]) + int(draws.delay[seed, request])
            arm = traffic.served[seed, request]
            expected[0, come, arm] += 1
            expected[1, come, arm] += stream.rewards[draws.rows[seed, request], arm]
        for kind in (0, 1):
            found = np.array([chunk[kind][seed] for chunk in seen])
            assert np.array_equal(found, expected[kind, : stream.chunks])


def test_no_label_is_seen_early_whatever_the_rewards_of_later_requests_are(stream: Stream) -> None:
    draws = draw(stream, 2)
    late = dataclasses.replace(draws, delay=np.full_like(draws.delay, 5))
    rewards = stream.rewards.copy()
    rewards[stream.chunk_of >= 4] = 0.123
    other = dataclasses.replace(stream, rewards=rewards)
    first, second = Traffic(stream, late), Traffic(other, late)
    for chunk in range(12):
        one, two = first.serve(SHARES), second.serve(SHARES)
        if chunk < 5:
            assert one[0].sum() == 0
        if chunk < 9:
            assert np.array_equal(one[1], two[1])
    assert not np.array_equal(one[1], two[1])
