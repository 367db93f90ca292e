"""Shadows: one label is joined with the answers of all arms to a copy of its request."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import sqlite3
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bandit_serving.collector import counters as names
from bandit_serving.collector.counters import MILLION, SHADOW, Key
from bandit_serving.collector.events import Event, Label, Prediction, Shadow
from bandit_serving.collector.joiner import Joiner
from bandit_serving.collector.shadows import MOST_ARMS
from bandit_serving.errors import BadRequest
from testbed.postgresql import PostgreSQL
from tests.serving.collector.conftest import Begin

DAY = 86400.0
ROUTES = itertools.count()
ARMS = ("a", "b", "c")


def shadow(number: int, arm: str, predict: Any = 1, route: str = "r") -> Shadow:
    return Shadow(route, f"id-{number}", arm, json.dumps({"predict": predict}), 100.0)


def served(number: int, arm: str = "a", predict: Any = 1, route: str = "r") -> Prediction:
    return Prediction(*shadow(number, arm, predict, route))


def label(number: int, value: Any = 1, route: str = "r") -> Label:
    return Label(route, f"id-{number}", json.dumps(value), 102.0)


def of_arm(joiner: Joiner, name: str, arm: str, route: str = "r") -> int | None:
    return joiner.counters.get(Key(SHADOW + name, route, arm))


def of_pair(joiner: Joiner, pair: str, route: str = "r") -> list[int]:
    """Return trials, gains, losses and squares of a pair."""
    sums = (names.PAIR_TRIALS, names.PAIR_GAINS, names.PAIR_LOSSES, names.PAIR_SQUARES)
    return [joiner.counters.get(Key(name, route, pair), 0) for name in sums]


def test_a_label_is_joined_with_every_shadow_of_its_request_without_a_served_answer(begin: Begin) -> None:
    joiner = begin()
    joiner.apply([shadow(1, "a", 1), shadow(1, "b", 0)], now=0)
    joiner.apply([label(1)], now=0)
    joiner.apply([shadow(1, "c", 1)], now=0)
    assert [of_arm(joiner, names.TRIALS, arm) for arm in ARMS] == [1, 1, 1]
    assert [of_arm(joiner, names.SUCCESSES, arm) for arm in ARMS] == [MILLION, 0, MILLION]
    assert Key(names.TRIALS, "r", "a") not in joiner.counters
    assert of_pair(joiner, "a/b") == [1, MILLION, 0, MILLION**2]
    assert of_pair(joiner, "a/c") == [1, 0, 0, 0]
    assert of_pair(joiner, "b/c") == [1, 0, MILLION, MILLION**2]


def test_the_sums_of_arms_and_pairs_begin_at_zero_before_the_first_reward(begin: Begin) -> None:
    joiner = begin("revenue")
    joiner.apply([shadow(1, "b"), shadow(2, "a")], now=0)
    sums = (names.TRIALS, names.SUCCESSES, names.LOSSES, names.SQUARES)
    assert [of_arm(joiner, name, "a") for name in sums] == [0, 0, 0, 0]
    assert not any(key.name.startswith(names.PAIR) for key in joiner.counters)
    joiner.apply([shadow(1, "a")], now=0)
    assert joiner.counters[Key(names.PAIR_TRIALS, "r", "a/b")] == 0
    assert joiner.counters[Key(names.PAIR_LOSSES, "r", "a/b")] == 0


def test_what_comes_again_is_a_duplicate_and_the_first_answer_stays(begin: Begin) -> None:
    joiner = begin()
    joiner.apply([shadow(1, "a", 1), shadow(1, "a", 0), label(1)], now=0)
    joiner.apply([shadow(1, "a", 0), label(1, 0)], now=0)
    assert (of_arm(joiner, names.TRIALS, "a"), of_arm(joiner, names.SUCCESSES, "a")) == (1, MILLION)
    assert (of_arm(joiner, names.PREDICTIONS, "a"), of_arm(joiner, names.DUPLICATE_PREDICTIONS, "a")) == (
        1,
        2,
    )
    assert joiner.counters[Key(names.DUPLICATE_LABELS, "r", "")] == 1


def test_a_shadow_changes_nothing_of_what_is_counted_of_served_answers(begin: Begin) -> None:
    joiner = begin()
    served_only: list[Event] = [served(1), label(1), served(2), label(3)]
    joiner.apply([event._replace(route="alone") for event in served_only], now=0)
    joiner.apply([*served_only, *(shadow(i, arm) for i in range(5) for arm in ARMS)], now=0)
    for now in (0, DAY + 1):
        joiner.expire(now=now, age=DAY)
        counted = {
            route: {
                (key.name, key.arm): value
                for key, value in joiner.counters.items()
                if key.route == route and not key.name.startswith((SHADOW, names.PAIR))
            }
            for route in ("r", "alone")
        }
        assert counted["r"] == counted["alone"]


def expected(
    rewards: dict[int, dict[str, int]],
) -> tuple[dict[str, tuple[int, int]], dict[str, list[int]]]:
    """Return trials and net reward of each arm, and the sums of each pair, from the rewards of requests."""
    arms = {
        arm: (
            sum(arm in by_arm for by_arm in rewards.values()),
            sum(by_arm.get(arm, 0) for by_arm in rewards.values()),
        )
        for arm in ARMS
    }
    pairs = {}
    for one, other in itertools.combinations(ARMS, 2):
        differences = [r[one] - r[other] for r in rewards.values() if one in r and other in r]
        pairs[f"{one}/{other}"] = [
            len(differences),
            sum(d for d in differences if d > 0),
            sum(-d for d in differences if d < 0),
            sum(d * d for d in differences),
        ]
    return arms, pairs


@pytest.mark.slow
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # the examples share a database, each with a route of its own
@given(
    truth=st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(ARMS), st.integers(0, 9)), st.integers(0, 9), st.booleans()
        ),
        min_size=1,
        max_size=8,
    ),
    seed=st.integers(0, 2**32),
)
def test_any_order_repetition_and_restart_counts_each_shadow_and_each_pair_once(
    begin: Begin, truth: list[tuple[dict[str, int], int, bool]], seed: int
) -> None:
    route = f"route-{next(ROUTES)}"
    once: list[Event] = []
    rewards: dict[int, dict[str, int]] = {}
    for i, (answers, value, is_served) in enumerate(truth):
        once += [shadow(i, arm, predict, route) for arm, predict in answers.items()]
        once += [label(i, value, route), *([served(i, "a", value, route)] if is_served else [])]
        rewards[i] = {a: round(MILLION * (1 - abs(p - value) / 9)) for a, p in answers.items()}
    rng = random.Random(seed)
    again = once + rng.choices(once, k=len(once))
    rng.shuffle(again)
    while again:
        cut = rng.randrange(1, len(again) + 1)
        begin("regression-error", bound=9).apply(again[:cut], now=0)
        again = again[cut:]
    joiner = begin("regression-error", bound=9)
    arms, pairs = expected(rewards)
    for arm, (trials, total) in arms.items():
        assert (of_arm(joiner, names.TRIALS, arm, route) or 0) == trials
        assert (of_arm(joiner, names.SUCCESSES, arm, route) or 0) == total
    assert {pair: of_pair(joiner, pair, route) for pair in pairs} == pairs
    both = sum(is_served for *_, is_served in truth)
    assert joiner.counters.get(Key(names.TRIALS, route, "a"), 0) == both
    assert joiner.counters.get(Key(names.SUCCESSES, route, "a"), 0) == both * MILLION


def test_shadows_expire_as_served_answers_do_and_a_late_label_is_none_of_theirs(begin: Begin) -> None:
    joiner = begin()
    joiner.apply([served(1), shadow(1, "a"), shadow(1, "b")], now=0)
    joiner.expire(now=DAY - 1, age=DAY)
    assert of_arm(joiner, names.EXPIRED_PREDICTIONS, "a") is None
    joiner.expire(now=DAY + 1, age=DAY)
    joiner.apply([label(1)], now=DAY + 2)
    assert [of_arm(joiner, names.EXPIRED_PREDICTIONS, arm) for arm in "ab"] == [1, 1]
    assert [of_arm(joiner, names.TRIALS, arm) for arm in "ab"] == [0, 0]
    assert joiner.counters[Key(names.LATE_LABELS, "r", "")] == 1
    assert joiner.expire(now=2 * DAY + 1, age=DAY) == 2
    assert joiner.expire(now=2 * DAY + 1, age=DAY) == 0


def test_a_shadow_that_is_younger_than_the_served_answer_still_gets_a_label_that_is_late_for_that(
    begin: Begin,
) -> None:
    joiner = begin()
    joiner.apply([served(1)], now=0)
    joiner.apply([shadow(1, "b")], now=10)
    joiner.expire(now=DAY + 1, age=DAY)
    joiner.apply([label(1)], now=DAY + 2)
    assert (of_arm(joiner, names.TRIALS, "b"), joiner.counters[Key(names.LATE_LABELS, "r", "")]) == (1, 1)


def test_held_rewards_and_those_of_absent_labels_are_counted_and_paired_at_the_end_of_the_window(
    begin: Begin,
) -> None:
    joiner = begin("revenue")
    joiner.apply([shadow(1, "a"), label(1, 5), shadow(1, "b"), shadow(2, "b")], now=0)
    joiner.apply([shadow(2, "a"), shadow(3, "a"), label(3, -2)], now=0)
    assert of_arm(joiner, names.TRIALS, "a") == 0
    assert of_arm(joiner, names.JOINED, "a") == 2
    for _ in range(2):
        begin("revenue").expire(now=DAY + 1, age=DAY, limit=3)
    joiner = begin("revenue")
    assert [of_arm(joiner, names.TRIALS, arm) for arm in "ab"] == [3, 2]
    assert [of_arm(joiner, names.SUCCESSES, arm) for arm in "ab"] == [5 * MILLION, 5 * MILLION]
    assert of_arm(joiner, names.LOSSES, "a") == 2 * MILLION
    assert of_arm(joiner, names.SQUARES, "a") == 29 * MILLION**2
    assert [of_arm(joiner, names.EXPIRED_PREDICTIONS, arm) for arm in "ab"] == [1, 1]
    assert of_pair(joiner, "a/b") == [2, 0, 0, 0]


def test_differences_of_any_size_add_up_exactly(begin: Begin) -> None:
    joiner = begin("expression", formula="1 if predict == label else 0.333333")
    for i in range(4):
        joiner.apply([shadow(i, "a", i % 2), shadow(i, "b", 1), label(i)], now=0)
    assert of_pair(joiner, "a/b") == [4, 0, 2 * 666_667, 2 * 666_667**2]


def test_ratios_have_sums_of_arms_and_no_pairs(begin: Begin) -> None:
    joiner = begin("revenue-per-item")
    joiner.apply([shadow(1, "a"), shadow(1, "b"), label(1, {"revenue": 3, "items": 2})], now=0)
    assert [of_arm(joiner, name, "b") for name in (names.DENOMINATORS, names.CROSS_PRODUCTS)] == [
        2 * MILLION,
        6 * MILLION**2,
    ]
    assert not any(key.name.startswith(names.PAIR) for key in joiner.counters)


def test_a_shadow_that_can_never_equal_the_label_is_unrewarded_and_keeps_no_other_from_it(
    begin: Begin,
) -> None:
    joiner = begin()
    joiner.apply([served(1), shadow(1, "a", 0.7), shadow(1, "b")], now=0)
    joiner.apply([label(1)], now=0)
    joiner.apply([shadow(1, "c", True)], now=0)
    assert joiner.counters[Key(names.TRIALS, "r", "a")] == 1
    assert [of_arm(joiner, names.TRIALS, arm) for arm in ARMS] == [0, 1, 0]
    assert [of_arm(joiner, names.UNREWARDED, arm) for arm in ARMS] == [1, None, 1]
    assert of_pair(joiner, "a/b") == [0, 0, 0, 0]


def test_more_arms_than_a_request_may_have_are_refused_and_nothing_of_the_batch_is_taken(
    begin: Begin,
) -> None:
    joiner = begin()
    joiner.apply([shadow(1, f"arm-{i}") for i in range(MOST_ARMS)], now=0)
    with pytest.raises(BadRequest, match=r"request 'id-1' of route 'r': arm: 21 arms have a shadow of it"):
        joiner.apply([shadow(1, "one-more"), shadow(2, "a")], now=0)
    joiner.apply([shadow(1, "arm-3"), shadow(2, "a")], now=0)
    assert of_arm(joiner, names.PREDICTIONS, "a") == 1
    assert of_arm(joiner, names.DUPLICATE_PREDICTIONS, "arm-3") == 1


def downgrade(database: str, request: pytest.FixtureRequest) -> None:
    """Turn a database into one of the schema before shadows."""
    if "://" in database:
        server: PostgreSQL = request.getfixturevalue("postgresql_server")
        name = database.rpartition("/")[2]
        server.run(name, "DROP TABLE reward_shadows; UPDATE reward_schema SET version = 1")
        return
    with contextlib.closing(sqlite3.connect(database)) as db:
        db.executescript("DROP TABLE shadows; PRAGMA user_version = 1;")


def test_a_database_from_before_shadows_is_brought_up_to_date_and_goes_on(
    begin: Begin, database: str, request: pytest.FixtureRequest
) -> None:
    joiner = begin()
    joiner.apply([served(1), label(1), served(2), label(3)], now=0)
    before = dict(joiner.counters)
    joiner.close()
    downgrade(database, request)
    for _ in range(2):
        joiner = begin()
        assert joiner.counters == before
    joiner.apply([label(2), shadow(2, "b"), served(3), shadow(3, "b")], now=0)
    assert joiner.counters[Key(names.TRIALS, "r", "a")] == 3
    assert of_arm(joiner, names.TRIALS, "b") == 2
