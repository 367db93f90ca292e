"""What the shadow proves, at the strength promised, and when it is not believed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bandit_operator.core.inference import evidence as ev
from bandit_operator.core.inference import paired, shadow, verdicts
from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.inference.paired import PairTick
from bandit_operator.core.inference.shadow import ShadowEvidence, ShadowTick
from bandit_operator.core.model import RewardType

BERNOULLI, GAUSSIAN = RewardType.BERNOULLI, RewardType.GAUSSIAN
NEVER = 10_000_000
Chances = Callable[[int, np.random.Generator, int], tuple[Floats, Floats]]
"""By tick: how likely on a request only the first arm is right, and only the second, ``[seeds]`` each."""


def scored(first: Floats, second: Floats, requests: Floats, level: float = 0.7) -> ShadowTick:
    """A tick of two arms of which each alone was right so often ``[seeds]``."""
    shape = (*first.shape, 2, 2)
    trials, difference, squares = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    trials[..., 0, 1] = trials[..., 1, 0] = requests
    difference[..., 0, 1], difference[..., 1, 0] = first - second, second - first
    squares[..., 0, 1] = squares[..., 1, 0] = first + second
    both = level * (requests - first - second)
    moments = np.stack(
        [np.stack([requests, requests], -1), np.stack([both + first, both + second], -1)], axis=-2
    )
    return ShadowTick(moments, PairTick(trials, difference, squares))


def nothing_served(seeds: int) -> Floats:
    return np.zeros((seeds, 2, 2))


def first_verdict(
    rng: np.random.Generator, chances: Chances, *, seeds: int, ticks: int, requests: int, often: float = 1.0
) -> Floats:
    """The tick at which arm 1 is proven worse, by the half of the error that is the shadow's ``[seeds]``."""
    evidence = ShadowEvidence.initial(BERNOULLI, 2, (seeds,))
    first = np.full(seeds, NEVER)
    for tick in range(ticks):
        only_first, only_second = chances(tick, rng, seeds)
        here = rng.random(seeds) < often  # labels that come now and then come all at once
        count = np.where(here, round(requests / often), 0)
        wins = rng.binomial(count, only_first)
        losses = rng.binomial(count - wins, np.minimum(only_second / (1.0 - only_first), 1.0))
        evidence = shadow.update(
            evidence,
            scored(wins.astype(float), losses.astype(float), count.astype(float)),
            nothing_served(seeds),
            BERNOULLI,
        )
        out = shadow.log_proof(evidence, BERNOULLI)[:, 0, 1] >= np.log(2.0 * verdicts.threshold(2, 0.05))
        first = np.where(out & (first == NEVER), tick, first)
    return first


def steady(only_first: float, only_second: float) -> Chances:
    return lambda _tick, _rng, seeds: (np.full(seeds, only_first), np.full(seeds, only_second))


def swaying(disagree: float, sway: float) -> Chances:
    """Two arms that are equal in the mean; who is better changes from tick to tick."""

    def chances(_: int, rng: np.random.Generator, seeds: int) -> tuple[Floats, Floats]:
        lean = np.clip(rng.normal(0.0, sway, seeds), -disagree, disagree)
        return (disagree + lean) / 2.0, (disagree - lean) / 2.0

    return chances


def seldom(often: float, much: float) -> Chances:
    """The second arm is a little worse in most ticks, and makes up for it in a few."""

    def chances(_: int, rng: np.random.Generator, seeds: int) -> tuple[Floats, Floats]:
        good = rng.random(seeds) < often
        little = much * often / (1.0 - often)
        return 0.05 + np.where(good, 0.0, little), 0.05 + np.where(good, much, 0.0)

    return chances


EQUAL = {
    "ten requests that differ on 5 %": (steady(0.025, 0.025), 10, 1.0),
    "a thousand requests that differ on 5 %": (steady(0.025, 0.025), 1_000, 1.0),
    "two requests": (steady(0.1, 0.1), 2, 1.0),
    "ticks that sway": (swaying(0.2, 0.1), 100, 1.0),
    "many requests, ticks that sway": (swaying(0.1, 0.05), 1_000, 1.0),
    "one tick in ten makes up for nine": (seldom(0.1, 0.8), 100, 1.0),
    "one tick in twenty makes up for nineteen": (seldom(0.05, 0.9), 100, 1.0),
    "labels that come once in twenty ticks": (steady(0.05, 0.05), 10, 0.05),
}


@pytest.mark.slow
@pytest.mark.parametrize("world", EQUAL)
def test_an_equal_arm_is_found_worse_no_more_often_than_the_shadows_half_of_the_error(
    rng: np.random.Generator, world: str
) -> None:
    chances, requests, often = EQUAL[world]
    first = first_verdict(rng, chances, seeds=400, ticks=2_000, requests=requests, often=often)
    # .025 is promised: more than 19 of 400 would be seen in less than one of 200 tests if it held.
    assert (first < NEVER).sum() <= 19


def test_an_arm_that_is_wrong_on_a_few_requests_more_is_found_with_a_few_hundred_of_them(
    rng: np.random.Generator,
) -> None:
    first = first_verdict(rng, steady(0.05, 0.01), seeds=60, ticks=400, requests=10)
    # 10 of 100 requests a tick, of which the arms differ on 6 %: served ones would need thousands.
    assert np.median(first) <= 200


def test_a_dead_arm_is_found_within_twenty_ticks_of_ten_requests(rng: np.random.Generator) -> None:
    first = first_verdict(rng, steady(0.9, 0.0), seeds=40, ticks=30, requests=10)
    assert (first < 20).all()


def test_a_break_long_after_the_beginning_is_found(rng: np.random.Generator) -> None:
    def chances(tick: int, _: np.random.Generator, seeds: int) -> tuple[Floats, Floats]:
        return np.full(seeds, 0.2 if tick >= 1_000 else 0.03), np.full(seeds, 0.03)

    first = first_verdict(rng, chances, seeds=40, ticks=1_200, requests=20)
    found = (first >= 1_000) & (first < NEVER)
    assert found.mean() >= 0.95
    assert np.median(first[found]) <= 1_060


def test_arms_that_never_differ_prove_nothing_and_are_shown_to_be_no_worse() -> None:
    evidence = ShadowEvidence.initial(BERNOULLI, 2)
    for _ in range(200):
        tick = scored(np.zeros(()), np.zeros(()), np.full((), 20.0))
        evidence = shadow.update(evidence, tick, np.zeros((2, 2)), BERNOULLI)
    assert (shadow.log_proof(evidence, BERNOULLI) <= 1.0).all()
    assert verdicts.no_worse(evidence, 0, 0.01, BERNOULLI, 0.05).tolist() == [False, True]
    assert verdicts.no_worse(evidence, 0, 0.0, BERNOULLI, 0.05).tolist() == [False, False]


def test_the_interval_of_the_difference_holds_the_truth_at_all_times(rng: np.random.Generator) -> None:
    seeds, failed = 200, np.zeros(200, dtype=bool)
    evidence = ShadowEvidence.initial(BERNOULLI, 2, (seeds,))
    for tick in range(400):
        wins = rng.binomial(20, 0.05, seeds).astype(float)
        losses = rng.binomial(20, 0.02, seeds).astype(float)
        evidence = shadow.update(
            evidence, scored(wins, losses, np.full(seeds, 20.0)), nothing_served(seeds), BERNOULLI
        )
        if tick % 10 == 9:
            _, low, high = shadow.interval(evidence, 0, BERNOULLI, 0.05)
            failed |= (low[:, 1] > -0.03) | (high[:, 1] < -0.03)
    assert failed.sum() <= 19  # .05 is promised


def test_rewards_without_bounds_are_compared_by_blocks_alone(rng: np.random.Generator) -> None:
    evidence = ShadowEvidence.initial(GAUSSIAN, 2)
    for _ in range(150):
        base = rng.normal(30.0, 10.0, 20)
        first, second = base + rng.normal(0.5, 1.0, 20), base + rng.normal(0.0, 1.0, 20)
        gap = first - second
        pair = PairTick(
            np.array([[0.0, 20.0], [20.0, 0.0]]),
            np.array([[0.0, gap.sum()], [-gap.sum(), 0.0]]),
            np.array([[0.0, (gap**2).sum()], [(gap**2).sum(), 0.0]]),
        )
        moments = np.array([[20.0, 20.0], [first.sum(), second.sum()], [(first**2).sum(), (second**2).sum()]])
        evidence = shadow.update(evidence, ShadowTick(moments, pair), np.zeros((3, 2)), GAUSSIAN)
    assert shadow.log_proof(evidence, GAUSSIAN)[0, 1] >= np.log(40.0)
    assert shadow.log_proof(evidence, GAUSSIAN)[1, 0] < 0.0
    # The same requests cancel what they are worth: 150 ticks of 20 served ones would tell nothing at all.
    assert shadow.worth(evidence, 0, GAUSSIAN)[1] > 50 * 3_000


def served(rewards: Floats, trials: Floats) -> Floats:
    return np.stack([trials, rewards], axis=-2)


def agreement_after(
    rng: np.random.Generator, rate_served: float, rate_shadow: float, ticks: int, sway: float = 0.0
) -> ShadowEvidence:
    seeds = 200
    evidence = ShadowEvidence.initial(BERNOULLI, 2, (seeds,))
    for _ in range(ticks):
        common = rng.normal(0.0, sway, seeds) if sway else np.zeros(seeds)
        counts = np.full((seeds, 2), 50.0)
        earned = rng.binomial(50, np.clip(rate_served + common, 0, 1)[:, None], (seeds, 2)).astype(float)
        right = rng.binomial(10, np.clip(rate_shadow + common, 0, 1)).astype(float)
        tick = scored(np.zeros(seeds), np.zeros(seeds), np.full(seeds, 10.0))
        moments = np.stack([np.full((seeds, 2), 10.0), np.stack([right, right], -1)], axis=-2)
        evidence = shadow.update(evidence, ShadowTick(moments, tick.pairs), served(earned, counts), BERNOULLI)
    return evidence


def test_a_shadow_that_tells_the_truth_is_believed(rng: np.random.Generator) -> None:
    assert agreement_after(rng, 0.8, 0.8, 300).lies.sum() <= 3  # of 200; .001 is promised for each


def test_a_world_that_moves_is_no_reason_to_disbelieve_the_shadow(rng: np.random.Generator) -> None:
    assert agreement_after(rng, 0.6, 0.6, 300, sway=0.1).lies.sum() <= 3


def test_a_shadow_whose_label_depends_on_who_answered_is_found_out(rng: np.random.Generator) -> None:
    evidence = agreement_after(rng, 0.8, 0.7, 200)
    assert evidence.lies.mean() >= 0.95
    # From there on nothing rests on it, whatever it says.
    proof = verdicts.log_proof(ev.Evidence.initial(BERNOULLI, 2, (200,)), evidence, BERNOULLI)
    np.testing.assert_allclose(proof[evidence.lies], -np.log(2.0))
    assert not verdicts.no_worse(evidence, 0, 1.0, BERNOULLI, 0.05)[evidence.lies].any()


def test_what_a_wrong_delay_can_explain_is_no_lie(rng: np.random.Generator) -> None:
    evidence = ShadowEvidence.initial(BERNOULLI, 2, (100,))
    counts = np.full((100, 2), 50.0)
    for _ in range(100):
        # By the told delay 50 rewards were due, but it may be half of them.
        earned = rng.binomial(25, 0.8, (100, 2)).astype(float)
        right = rng.binomial(10, 0.8, 100).astype(float)
        moments = np.stack([np.full((100, 2), 10.0), np.stack([right, right], -1)], axis=-2)
        tick = ShadowTick(moments, scored(np.zeros(100), np.zeros(100), np.full(100, 10.0)).pairs)
        evidence = shadow.update(
            evidence, tick, served(earned, counts), BERNOULLI, (counts / 2.0, counts * 2.0)
        )
    assert not evidence.lies.any()


def test_either_witness_may_decide_and_the_error_is_shared() -> None:
    alone = ev.Evidence.initial(BERNOULLI, 2)
    evidence = ShadowEvidence.initial(BERNOULLI, 2)
    for _ in range(30):
        tick = scored(np.full((), 9.0), np.zeros(()), np.full((), 10.0))
        evidence = shadow.update(evidence, tick, np.zeros((2, 2)), BERNOULLI)
    scored_alone = shadow.log_proof(evidence, BERNOULLI)[0, 1]
    together = verdicts.log_proof(alone, evidence, BERNOULLI)[0, 1]
    np.testing.assert_allclose(together, np.logaddexp(scored_alone, 0.0) - np.log(2.0))


def test_a_pair_without_requests_learns_nothing() -> None:
    before = ShadowEvidence.initial(BERNOULLI, 2)
    for _ in range(5):
        tick = scored(np.full((), 2.0), np.full((), 1.0), np.full((), 10.0))
        before = shadow.update(before, tick, np.zeros((2, 2)), BERNOULLI)
    empty = scored(np.zeros(()), np.zeros(()), np.zeros(()))
    after = shadow.update(before, empty, np.zeros((2, 2)), BERNOULLI)
    for name, array in after.joined().items():
        np.testing.assert_array_equal(array, before.joined()[name], err_msg=name)


def test_what_is_expected_of_arms_that_never_differed_leaves_room_for_a_first_time() -> None:
    gap, square = paired.expected(ShadowEvidence.initial(BERNOULLI, 2).paired)
    assert (gap == 0).all()
    assert (square == 1).all()
