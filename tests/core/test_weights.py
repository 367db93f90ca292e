from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandit_operator.core import weights as w
from bandit_operator.core.model import WEIGHT_TOTAL, Guardrails
from bandit_operator.core.weights import Bounds, Outlook, to_weights, unit_of, worth_writing

LOOSE = Guardrails(max_step=1.0, min_share=0.0, new_arm_share=1.0)


def arms(*values: float) -> np.ndarray:
    return np.array(values)


def flags(pattern: str) -> np.ndarray:
    return np.array([letter == "1" for letter in pattern])


def guarded_shares(
    target: np.ndarray,
    current: np.ndarray,
    eligible: np.ndarray,
    joining: np.ndarray,
    guardrails: Guardrails,
    **more: Any,
) -> np.ndarray:
    """The shares where every arm has trials enough and has carried nothing, unless said otherwise."""
    none = np.zeros(np.shape(eligible), dtype=bool)
    given = {"unproven": none, "carried": np.zeros(none.shape), "probed": none} | more
    return w.guarded_shares(target, current, Bounds(eligible, joining, **given), guardrails)


@st.composite
def situations(draw: Any) -> tuple[Any, ...]:
    count = draw(st.integers(2, 20))
    share = st.one_of(st.just(0.0), st.floats(0, 1))
    vectors = [np.array(draw(st.lists(share, min_size=count, max_size=count))) for _ in range(2)]
    masks = [np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count))) for _ in range(2)]
    masks[0][draw(st.integers(0, count - 1))] = True
    guardrails = Guardrails(
        max_step=draw(st.floats(0.01, 1)),
        min_share=draw(st.one_of(st.none(), st.floats(0, 0.05))),
        new_arm_share=draw(st.floats(0.06, 1)),
    )
    return *vectors, *masks, guardrails


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(situations())
def test_shares_sum_to_one_and_keep_every_floor_that_fits(situation: Any) -> None:
    target, current, eligible, joining, guardrails = situation
    shares = guarded_shares(target, current, eligible, joining, guardrails)
    assert shares.sum() == pytest.approx(1.0, abs=1e-9)
    assert (shares[~eligible] == 0).all()
    assert (shares[eligible] >= w.least_share(guardrails, eligible.sum()) - 1e-9).all()


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(situations())
def test_no_share_grows_by_more_than_the_step_while_all_arms_stay(situation: Any) -> None:
    target, current, eligible, joining, guardrails = situation
    eligible[:], joining[:] = True, False
    current = current + 1e-3
    current = current / current.sum()
    shares = guarded_shares(target, current, eligible, joining, guardrails)
    below_floor = current < w.least_share(guardrails, np.array(len(current)))
    assert ((shares - current)[~below_floor] <= guardrails.max_step + 1e-9).all()


@settings(deadline=None, max_examples=200)
@given(situations(), st.randoms(use_true_random=False))
def test_permuting_arms_permutes_shares_and_weights(situation: Any, random: Any) -> None:
    target, current, eligible, joining, guardrails = situation
    order = list(range(len(target)))
    random.shuffle(order)
    shares = guarded_shares(target, current, eligible, joining, guardrails)
    permuted = guarded_shares(target[order], current[order], eligible[order], joining[order], guardrails)
    np.testing.assert_allclose(permuted, shares[order], atol=1e-12)
    remainders = np.round(shares * WEIGHT_TOTAL, 6) % 1
    if len(np.unique(remainders)) == len(remainders):
        assert (to_weights(shares[order]) == to_weights(shares)[order]).all()


def test_bounds_that_add_up_to_all_traffic_but_for_rounding_do_not_yield_to_the_order_of_the_arms() -> None:
    current, eligible = np.array([0.0] * 8 + [1.0, 1.0, 0.55]), flags("00001101111")
    guardrails = Guardrails(max_step=0.03125, min_share=0.03125, new_arm_share=1.0)
    nothing, none = np.zeros(11), np.zeros(11, bool)
    shares = guarded_shares(nothing, current, eligible, none, guardrails)
    for seed in range(50):
        order = np.random.default_rng(seed).permutation(11)
        permuted = guarded_shares(nothing, current[order], eligible[order], none, guardrails)
        np.testing.assert_allclose(permuted, shares[order], atol=1e-12)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20).filter(lambda values: sum(values) > 0.01))
def test_weights_are_whole_numbers_that_sum_exactly_and_differ_from_the_shares_by_less_than_one(
    values: Any,
) -> None:
    shares = np.array(values) / sum(values)
    weights = to_weights(shares)
    assert weights.dtype == np.int64
    assert weights.sum() == WEIGHT_TOTAL
    assert (np.abs(weights - shares * WEIGHT_TOTAL) < 1).all()
    assert (weights[shares == 0] == 0).all()


def test_equal_remainders_are_served_in_the_order_of_the_arms() -> None:
    assert to_weights(np.full(3, 1 / 3)).tolist() == [3_334, 3_333, 3_333]


def test_a_floor_of_one_percent_becomes_a_weight_of_exactly_one_hundred() -> None:
    shares = guarded_shares(arms(1, 0, 0), arms(1, 0, 0), flags("111"), flags("000"), Guardrails())
    assert to_weights(shares).tolist() == [9_800, 100, 100]


@pytest.mark.parametrize(("count", "least"), [(1, 0.01), (2, 0.01), (3, 0.01), (5, 0.005), (9, 0.0025)])
def test_all_arms_but_one_keep_no_more_than_two_percent_together_unless_a_share_is_named(
    count: int, least: float
) -> None:
    assert w.least_share(Guardrails(), np.array(count)) == pytest.approx(least)
    assert w.least_share(Guardrails(min_share=0.03), np.array(count)) == 0.03
    assert w.least_share(Guardrails(min_share=0.6), np.array(2)) == 0.5
    assert w.least_share(Guardrails(new_arm_share=0.002), np.array(2)) == 0.002


def test_what_a_new_arm_may_not_have_yet_is_not_handed_to_arms_that_nobody_wants() -> None:
    current = arms(0.88, 0.01, 0.01, 0.1)
    unproven = flags("0001")
    for wanted in (arms(0, 0, 0, 1), arms(0.02, 0, 0, 0.98), arms(0, 0.002, 0, 0.998)):
        shares = guarded_shares(
            wanted, current, flags("1111"), flags("0001"), Guardrails(min_share=0.01), unproven=unproven
        )
        assert shares[3] == pytest.approx(0.1)
        assert shares[0] > 0.75
        assert shares[2] < 0.02


def test_what_an_arm_may_not_gain_yet_goes_to_the_next_best() -> None:
    third = np.full(3, 1 / 3)
    shares = guarded_shares(arms(0.9, 0.09, 0.01), third, flags("111"), flags("000"), Guardrails())
    assert shares[0] == pytest.approx(third[0] + 0.2)
    assert shares[1] > 5 * shares[2]


def test_a_rolled_back_arm_goes_to_zero_at_once_and_the_others_take_over_in_proportion() -> None:
    shares = guarded_shares(arms(0, 0.75, 0.25), arms(0.6, 0.3, 0.1), flags("011"), flags("000"), LOOSE)
    np.testing.assert_allclose(shares, [0, 0.75, 0.25], atol=1e-9)


def test_a_joining_arm_gets_no_more_than_its_cap_however_good_it_looks() -> None:
    shares = guarded_shares(arms(0.05, 0.95), arms(1, 0), flags("11"), flags("01"), Guardrails())
    np.testing.assert_allclose(shares, [0.9, 0.1], atol=1e-9)


def test_one_tick_lets_a_share_grow_by_no_more_than_the_step() -> None:
    shares = guarded_shares(arms(0, 1), arms(0.8, 0.2), flags("11"), flags("00"), Guardrails(max_step=0.2))
    np.testing.assert_allclose(shares, [0.6, 0.4], atol=1e-9)


def test_what_an_arm_loses_goes_at_once_to_those_that_have_carried_it() -> None:
    before, carried = arms(0.98, 0.01, 0.01), arms(0.98, 0.6, 0.1)
    shares = guarded_shares(
        arms(0, 0.9, 0.1), before, flags("111"), flags("000"), Guardrails(max_step=0.2), carried=carried
    )
    # b may go to the .6 that it has carried; c, which has not, by one step; a keeps what is left.
    np.testing.assert_allclose(shares, [0.19, 0.6, 0.21])


def test_an_arm_with_few_trials_loses_at_once_and_gains_no_more_than_a_new_one() -> None:
    few = flags("11")
    down = guarded_shares(
        arms(1, 0), arms(0.5, 0.5), flags("11"), flags("00"), Guardrails(), unproven=flags("01")
    )
    up = guarded_shares(arms(0, 1), arms(0.98, 0.02), flags("11"), flags("00"), Guardrails(), unproven=few)
    assert down == pytest.approx([0.7, 0.3])  # as fast as the other may take it
    assert up == pytest.approx([0.9, 0.1])


def test_the_baseline_is_given_a_small_share_at_once_when_the_leader_has_fallen() -> None:
    before = arms(0.01, 0.99)
    shares = guarded_shares(
        arms(0, 1), before, flags("11"), flags("00"), Guardrails(), probed=flags("10"), carried=before
    )
    assert shares == pytest.approx([0.1, 0.9])
    known = {"probed": flags("10"), "carried": arms(0.3, 1)}
    shares = guarded_shares(arms(0, 1), before, flags("11"), flags("00"), Guardrails(), **known)
    assert shares == pytest.approx([0.3, 0.7])


def test_when_only_a_joining_arm_is_left_it_takes_all_the_traffic() -> None:
    shares = guarded_shares(arms(0, 1), arms(1, 0), flags("01"), flags("01"), Guardrails())
    assert shares.tolist() == [0, 1]


def test_no_eligible_arm_gives_zero_weights_everywhere() -> None:
    shares = guarded_shares(arms(0.5, 0.5), arms(0.5, 0.5), flags("00"), flags("00"), Guardrails())
    assert to_weights(shares).tolist() == [0, 0]


NOTHING = Outlook(np.zeros(2), np.array(1.0))
"""Nothing is known of what the arms earn."""


def test_small_changes_are_not_worth_a_write_but_first_and_last_traffic_does_not_wait() -> None:
    assert not worth_writing(arms(0.5, 0.5), arms(0.6, 0.4), NOTHING, Guardrails())
    assert worth_writing(arms(0.5, 0.5), arms(0.62, 0.38), NOTHING, Guardrails())
    assert worth_writing(
        arms(0.97, 0.03), arms(0.9, 0.1), NOTHING, Guardrails()
    )  # near the ends less is enough
    assert worth_writing(arms(0.999, 0.001), arms(1.0, 0.0), NOTHING, Guardrails())


def test_a_small_change_is_worth_a_write_where_it_is_expected_to_earn_enough() -> None:
    earns = Outlook(np.array([90.0, 50.0]), np.array(3.0))
    assert worth_writing(arms(0.5, 0.5), arms(0.51, 0.49), earns, Guardrails())
    assert not worth_writing(arms(0.5, 0.5), arms(0.504, 0.496), earns, Guardrails())


def test_leading_axes_give_what_single_rows_give(rng: np.random.Generator) -> None:
    target, current = rng.random((50, 4)), rng.random((50, 4))
    eligible, joining = rng.random((50, 4)) < 0.8, rng.random((50, 4)) < 0.3
    together = guarded_shares(target, current, eligible, joining, Guardrails())
    for row in range(50):
        alone = guarded_shares(target[row], current[row], eligible[row], joining[row], Guardrails())
        np.testing.assert_array_equal(together[row], alone)
    assert (to_weights(together).sum(-1) == WEIGHT_TOTAL * eligible.any(-1)).all()


@pytest.mark.parametrize(
    ("arms", "strangers", "total", "factor"),
    [
        (10_000, (), 10_000, 1),
        (2, (), 10_000, 1),
        (2, (1,), 10_000, 5_000),
        (10, (1,), 10_000, 1_000),
        (3, (1,), 10_002, 3_334),
        (2, (500,), 4_000, 2_000),
        (20_000, (5,), 20_000, 1),
        (2, (900_000,), 2, 1),
        (0, (1,), 0, 1),
        (0, (0,), 10_000, 1),
    ],
)
def test_weights_are_written_in_a_unit_that_guardrails_fit_and_strangers_keep_their_share_in(
    arms: int, strangers: Any, total: int, factor: int
) -> None:
    unit = unit_of(arms, strangers)
    assert (unit.total, unit.factor) == (total, factor)
    assert unit.total in (10_000, arms * unit.factor)


@pytest.mark.parametrize("arms", [1_000_001, 1_600_000, 20_000_000])
@pytest.mark.parametrize("other", [0, 1, 7, 400_000, 1_000_000])
def test_arms_that_come_to_more_than_a_backend_may_carry_are_written_in_a_coarser_unit(
    arms: int, other: int
) -> None:
    unit = unit_of(arms, (other,))
    assert 500_000 <= unit.total <= 1_000_000
    made = unit.of_others({2: other}, beside=unit.total)[2]
    assert made <= 1_000_000
    assert (made > 0) == (other > 0)
    assert made / (made + unit.total) == pytest.approx(other / (other + arms), abs=3e-6)


def test_no_backend_that_still_has_weight_gets_more_than_the_gateway_api_takes() -> None:
    assert unit_of(1, (0,)).factor == 10_000
    unit = unit_of(1, (0,), leaving=(5_000,))
    assert (unit.total, unit.factor) == (200, 200)


def test_arms_that_are_kept_in_an_older_unit_leave_another_backend_its_share_as_far_as_numbers_go() -> None:
    unit = unit_of(2, (3,))
    assert (unit.total, unit.of_others({2: 3}, beside=9_900)) == (10_000, {2: 14_850})
    unit = unit_of(1, (1_000_000,))
    assert unit.of_others({2: 1_000_000}, beside=1) == {2: 1_000_000}
    assert unit.of_others({2: 1_000_000}, beside=10_000) == {2: 1_000_000}
    unit = unit_of(1, (500, 10_000))
    assert unit.of_others({2: 500, 3: 10_000, 4: 0}, beside=10_000) == {2: 50_000, 3: 1_000_000, 4: 0}
