"""What is counted, whatever the database and whatever the order in which events come."""

from __future__ import annotations

import itertools
import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bandit_serving.collector import counters as names
from bandit_serving.collector.counters import MILLION, Key, by_route, delay_histogram
from bandit_serving.collector.events import (
    MOST_CHARACTERS,
    MOST_NAME_BYTES,
    Event,
    Label,
    Prediction,
    Shadow,
    check_name,
)
from bandit_serving.collector.joiner import Joiner
from bandit_serving.collector.stores import open_store
from bandit_serving.errors import BadRequest
from bandit_serving.rewards import RouteRewards, make_reward
from tests.serving.collector.conftest import Begin

DAY = 86400.0
ROUTES = itertools.count()


def prediction(number: int, arm: str = "a", predict: int = 1, time: float = 100.0) -> Prediction:
    return Prediction("r", f"id-{number}", arm, json.dumps({"predict": predict}), time)


def label(number: int, value: int = 1, time: float = 102.0) -> Label:
    return Label("r", f"id-{number}", json.dumps(value), time)


def counted(joiner: Joiner) -> dict[tuple[str, str], int]:
    return {(key.name, key.arm): value for key, value in joiner.counters.items()}


def test_a_label_may_come_before_its_prediction(begin: Begin) -> None:
    joiner = begin()
    joiner.apply([label(1), label(2, value=0)], now=0)
    joiner.apply([prediction(1), prediction(2)], now=0)
    found = counted(joiner)
    assert (found[names.TRIALS, "a"], found[names.SUCCESSES, "a"]) == (2, MILLION)
    assert (found[names.JOINED, "a"], found[names.LABELS, ""]) == (2, 2)


def test_an_event_that_comes_again_counts_as_a_duplicate_only(begin: Begin) -> None:
    joiner = begin()
    for _ in range(3):
        joiner.apply([prediction(1), label(1)], now=0)
    joiner.apply([prediction(1, arm="b"), label(1, value=0)], now=0)
    found = counted(joiner)
    assert (found[names.TRIALS, "a"], found[names.SUCCESSES, "a"]) == (1, MILLION)
    assert (found[names.DUPLICATE_PREDICTIONS, "a"], found[names.DUPLICATE_LABELS, ""]) == (2, 3)
    assert (names.TRIALS, "b") not in found


def test_one_id_on_two_routes_is_two_requests(begin: Begin) -> None:
    joiner = begin()
    joiner.apply([prediction(1), prediction(1)._replace(route="other"), label(1)], now=0)
    assert joiner.counters[Key(names.JOINED, "r", "a")] == 1
    assert Key(names.JOINED, "other", "a") not in joiner.counters


@pytest.mark.slow
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # the examples share a database, each with a route of its own
@given(
    truth=st.lists(st.tuples(st.sampled_from("ab"), st.booleans(), st.booleans()), min_size=1, max_size=12),
    seed=st.integers(0, 2**32),
)
def test_any_order_and_repetition_counts_the_same(
    begin: Begin, truth: list[tuple[str, bool, bool]], seed: int
) -> None:
    route = f"route-{next(ROUTES)}"
    once: list[Event] = []
    for i, (arm, predicted, true) in enumerate(truth):
        once += [prediction(i, arm, int(predicted))._replace(route=route)]
        once += [label(i, int(true))._replace(route=route)]
    rng = random.Random(seed)
    again = once + rng.choices(once, k=len(once))
    rng.shuffle(again)
    while again:
        cut = rng.randrange(1, len(again) + 1)
        begin().apply(again[:cut], now=0)
        again = again[cut:]
    found = begin().counters
    for arm in "ab":
        outcomes = [predicted == true for name, predicted, true in truth if name == arm]
        assert found.get(Key(names.TRIALS, route, arm), 0) == len(outcomes)
        assert found.get(Key(names.SUCCESSES, route, arm), 0) == sum(outcomes) * MILLION


def test_a_failed_transaction_leaves_nothing(begin: Begin) -> None:
    joiner = begin()
    broken = Prediction("r", "id-2", "a", "{", 0.0)
    joiner.apply([label(2)], now=0)
    with pytest.raises(ValueError, match="Expecting"):
        joiner.apply([prediction(1), label(1), broken], now=0)
    assert counted(joiner) == {(names.LABELS, ""): 1}
    joiner.apply([prediction(1), label(1)], now=0)
    assert counted(joiner)[names.TRIALS, "a"] == 1


def test_fractions_of_a_reward_add_up_without_rounding(begin: Begin) -> None:
    joiner = begin("balanced-accuracy", priors={"0": 0.9, "1": 0.1})
    joiner.apply([event for i in range(900) for event in (prediction(i, predict=0), label(i, 0))], now=0)
    assert counted(joiner)[names.SUCCESSES, "a"] == 900 * 111_111


def test_delays_are_counted_in_buckets(begin: Begin) -> None:
    joiner = begin()
    times = [100.05, 102.0, 100.0 + 40 * DAY, 99.0]  # the last by a clock that is slow
    joiner.apply([prediction(i) for i in range(4)], now=0)
    joiner.apply([label(i, time=time) for i, time in enumerate(times)], now=0)
    histogram = dict(delay_histogram(by_route(joiner.counters)["r"]["a"]))
    assert (histogram[0.1], histogram[1.0], histogram[3.0], histogram[30 * DAY]) == (2, 2, 3, 3)
    assert histogram[float("inf")] == 4
    assert joiner.counters[Key(names.DELAY_MILLISECONDS, "r", "a")] == 50 + 2000 + round(40 * DAY * 1000)


def test_halves_that_waited_too_long_expire_and_count_no_trial(begin: Begin) -> None:
    joiner = begin()
    joiner.apply([prediction(1), label(2), prediction(3), label(3)], now=0)
    assert joiner.expire(now=DAY - 1, age=DAY) == 0
    assert joiner.expire(now=DAY + 1, age=DAY) == 2
    assert joiner.expire(now=DAY + 1, age=DAY) == 0
    found = counted(joiner)
    assert (found[names.EXPIRED_PREDICTIONS, "a"], found[names.EXPIRED_LABELS, ""]) == (1, 1)
    assert found[names.TRIALS, "a"] == 1


def test_a_label_after_its_prediction_expired_is_late_and_counts_no_trial(begin: Begin) -> None:
    joiner = begin()
    joiner.apply([prediction(1)], now=0)
    joiner.expire(now=DAY + 1, age=DAY)
    joiner.apply([label(1)], now=DAY + 2)
    found = counted(joiner)
    assert found[names.LATE_LABELS, ""] == 1
    assert (names.TRIALS, "a") not in found


def test_conversions_and_their_absence_are_counted_at_the_end_of_the_window_once(begin: Begin) -> None:
    joiner = begin("conversion", most=10)
    joiner.apply([prediction(1), prediction(2), label(2, value=5), label(3, value=10), prediction(3)], now=0)
    assert (names.TRIALS, "a") not in counted(joiner)
    joiner.expire(now=DAY + 1, age=DAY)
    joiner.expire(now=DAY + 2, age=DAY)
    found = counted(joiner)
    assert (found[names.TRIALS, "a"], found[names.SUCCESSES, "a"]) == (3, MILLION + MILLION // 2)
    assert (found[names.JOINED, "a"], found[names.EXPIRED_PREDICTIONS, "a"]) == (2, 1)
    joiner.apply([label(1), label(2), prediction(3)], now=DAY + 3)
    found = counted(joiner)
    assert (found[names.TRIALS, "a"], found[names.LATE_LABELS, ""]) == (3, 1)


def test_rows_are_forgotten_at_twice_the_age(begin: Begin) -> None:
    joiner = begin()
    joiner.apply([event for i in range(10) for event in (prediction(i), label(i))], now=0)
    assert [joiner.expire(now=2 * DAY + 1, age=DAY, limit=4) for _ in range(4)] == [4, 4, 2, 0]
    assert counted(joiner)[names.TRIALS, "a"] == 10


def sale(number: int, **parts: float) -> list[Event]:
    truth = Label("r", f"id-{number}", json.dumps(parts), 101.0)
    return [prediction(number), truth]


def test_the_sums_that_a_ratio_is_judged_by_stay_exact_over_restarts(begin: Begin) -> None:
    sales = [(0.1, 3), (1e12, 1e12), (42.123456, 0), (0, 7)]
    for i, (revenue, items) in enumerate(sales):
        begin("revenue-per-item").apply(sale(i, revenue=revenue, items=items), now=0)
    found = counted(begin("revenue-per-item"))
    ys, xs = ([round(MILLION * value) for value in values] for values in zip(*sales, strict=True))
    assert found[names.TRIALS, "a"] == 4
    assert found[names.SUCCESSES, "a"] == sum(ys)
    assert found[names.SQUARES, "a"] == sum(y * y for y in ys) > 2**63
    assert found[names.DENOMINATORS, "a"] == sum(xs)
    assert found[names.DENOMINATOR_SQUARES, "a"] == sum(x * x for x in xs)
    assert found[names.CROSS_PRODUCTS, "a"] == sum(x * y for x, y in zip(xs, ys, strict=True))


def test_revenue_counts_nothing_sold_as_zero_and_losses_apart_once_its_time_is_over(begin: Begin) -> None:
    joiner = begin("revenue")
    sold = Label("r", "id-1", "12.5", 101.0)
    refund = Label("r", "id-3", "-4", 101.0)
    joiner.apply([*(prediction(i) for i in (1, 2, 3)), sold, refund], now=0)
    joiner.expire(now=DAY + 1, age=DAY)
    found = counted(joiner)
    assert (found[names.TRIALS, "a"], found[names.SUCCESSES, "a"]) == (3, 12_500_000)
    assert found[names.LOSSES, "a"] == 4_000_000
    assert found[names.SQUARES, "a"] == 12_500_000**2 + 4_000_000**2


def test_conversions_counted_as_they_come_leave_the_others_out(begin: Begin) -> None:
    joiner = begin("conversion", as_they_come=True)
    joiner.apply([prediction(1), prediction(2), label(1)], now=0)
    found = counted(joiner)
    assert (found[names.PREDICTIONS, "a"], found[names.SUCCESSES, "a"]) == (2, MILLION)
    joiner.expire(now=DAY + 1, age=DAY)
    assert counted(joiner)[names.SUCCESSES, "a"] == MILLION
    assert counted(joiner)[names.TRIALS, "a"] == 1


def test_an_arm_that_nobody_buys_from_has_earned_nothing_and_not_unknown(begin: Begin) -> None:
    joiner = begin("conversion", as_they_come=True)
    joiner.apply([prediction(1)], now=0)
    assert counted(joiner)[names.SUCCESSES, "a"] == 0
    assert counted(joiner)[names.TRIALS, "a"] == 0
    joiner = begin("conversion", as_they_come=True)
    joiner.apply([prediction(2), label(2)], now=1)
    assert counted(joiner)[names.SUCCESSES, "a"] == MILLION


@pytest.mark.parametrize("as_they_come", [True, False])
def test_a_label_that_came_first_counts_once_though_the_function_changes_before_its_prediction(
    begin: Begin, as_they_come: bool
) -> None:
    begin("conversion", as_they_come=not as_they_come).apply([label(1)], now=0)
    joiner = begin("conversion", as_they_come=as_they_come)
    joiner.apply([prediction(1)], now=1)
    joiner.expire(now=DAY + 1, age=DAY)
    assert counted(joiner)[names.SUCCESSES, "a"] == MILLION


def test_all_that_waited_counts_after_an_absence_however_many_came_at_once(begin: Begin) -> None:
    joiner = begin("conversion")
    each = 700
    for batch in range(10):
        numbers = range(each * batch, each * (batch + 1))
        joiner.apply([prediction(number) for number in numbers], now=batch)
        joiner.apply([label(number) for number in numbers[::10]], now=batch)
    while joiner.expire(now=3 * DAY, age=DAY) >= 5000:
        pass
    found = counted(joiner)
    assert (found[names.TRIALS, "a"], found[names.SUCCESSES, "a"]) == (10 * each, each * MILLION)


@pytest.mark.parametrize(("first", "last"), [(0x100, 0x7FF), (0x10000, 0x10FFFF)])
def test_names_as_long_as_they_are_taken_are_stored(begin: Begin, first: int, last: int) -> None:
    most, rng = min(MOST_CHARACTERS, MOST_NAME_BYTES // len(chr(last).encode())), random.Random(1)
    route, request, a, b = ("".join(chr(rng.randint(first, last)) for _ in range(most)) for _ in range(4))
    with pytest.raises(ValueError, match=r"has more than 800 bytes|is not a string of 1 to 256"):
        check_name("name", route + "é")
    for name in (route, request, a, b):
        check_name("name", name)
    joiner = begin()
    joiner.apply([Shadow(route, request, arm, '{"predict":1}', 1.0) for arm in (a, b)], 3.0)
    joiner.apply([Prediction(route, request, a, '{"predict":1}', 1.0), Label(route, request, "1", 2.0)], 4.0)
    assert joiner.counters[Key(names.PAIR_TRIALS, route, f"{min(a, b)}/{max(a, b)}")] == 1


def test_each_route_has_its_reward_function_and_an_unknown_one_counts_no_trial(database: str) -> None:
    by_route = {"r": make_reward("accuracy", {}), "error": make_reward("regression-error", {"bound": 4})}
    joiner = Joiner(open_store(database), RouteRewards(by_route))
    for route in ("r", "error", "other"):
        events: list[Prediction | Label] = [prediction(1, predict=1), label(1, value=2)]
        joiner.apply([event._replace(route=route) for event in events], now=0)
    assert joiner.counters[Key(names.SUCCESSES, "r", "a")] == 0
    assert joiner.counters[Key(names.SUCCESSES, "error", "a")] == 750_000
    assert joiner.counters[Key(names.JOINED, "other", "a")] == 1
    assert Key(names.TRIALS, "other", "a") not in joiner.counters
    joiner.close()


def test_an_event_kept_for_an_earlier_reward_function_counts_no_trial_and_stops_nothing(begin: Begin) -> None:
    begin("accuracy").apply([prediction(1), prediction(2)], now=0)
    joiner = begin("rare-positives")  # needs probabilities, which those predictions lack
    joiner.apply([label(1)], now=0)
    assert (counted(joiner)[names.JOINED, "a"], counted(joiner)[names.UNREWARDED, "a"]) == (1, 1)
    assert (names.TRIALS, "a") not in counted(joiner)


def test_a_joined_request_that_the_formula_has_no_value_for_is_counted_as_unrewarded(begin: Begin) -> None:
    joiner = begin("expression", formula="1 if predict == label else 0")
    text = Label("r", "id-1", '"1"', 101.0)
    joiner.apply([prediction(1), text, prediction(2), label(2)], now=0)
    found = counted(joiner)
    assert (found[names.JOINED, "a"], found[names.TRIALS, "a"], found[names.UNREWARDED, "a"]) == (2, 1, 1)


def test_halves_that_can_never_be_equal_are_refused_and_the_first_one_goes_on_waiting(begin: Begin) -> None:
    joiner = begin()
    joiner.apply([prediction(1)], now=0)
    with pytest.raises(BadRequest, match="request 'id-1' of route 'r': a prediction and its label can never"):
        joiner.apply([Label("r", "id-1", "true", 101.0), label(2)], now=0)
    assert counted(joiner) == {(names.PREDICTIONS, "a"): 1}
    joiner.apply([label(1)], now=0)
    assert counted(joiner)[names.SUCCESSES, "a"] == MILLION


def test_what_an_earlier_function_held_and_this_one_cannot_judge_ends_unrewarded(begin: Begin) -> None:
    begin("conversion").apply([prediction(1), Label("r", "id-1", "true", 101.0)], now=0)
    joiner = begin("accuracy")
    joiner.expire(now=DAY + 1, age=DAY)
    assert counted(joiner)[names.UNREWARDED, "a"] == 1
