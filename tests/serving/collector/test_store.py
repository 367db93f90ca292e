"""What the database counts, whatever the order in which events come."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandit_serving.collector import counters as names
from bandit_serving.collector.counters import MILLION, Key, delay_histogram
from bandit_serving.collector.events import Event, Label, Prediction
from bandit_serving.collector.store import CounterReader, SQLiteStore
from bandit_serving.errors import BadSetting
from bandit_serving.rewards import make_reward

DAY = 86400.0


def prediction(number: int, arm: str = "a", predict: int = 1, time: float = 100.0) -> Prediction:
    return Prediction("r", f"id-{number}", arm, json.dumps({"predict": predict}), time)


def label(number: int, value: int = 1, time: float = 102.0) -> Label:
    return Label("r", f"id-{number}", json.dumps(value), time)


def counted(path: Path) -> dict[tuple[str, str], int]:
    reader = CounterReader(path)
    found = {(key.name, key.arm): value for key, value in reader.read().items()}
    reader.close()
    return found


def store_at(path: Path, **reward: Any) -> SQLiteStore:
    return SQLiteStore(path, make_reward(reward.pop("name", "accuracy"), reward))


def test_a_label_may_come_before_its_prediction(tmp_path: Path) -> None:
    store = store_at(tmp_path / "db")
    store.apply([label(1), label(2, value=0)], now=0)
    store.apply([prediction(1), prediction(2)], now=0)
    found = counted(tmp_path / "db")
    assert (found[names.TRIALS, "a"], found[names.SUCCESSES, "a"]) == (2, MILLION)
    assert (found[names.JOINED, "a"], found[names.LABELS, ""]) == (2, 2)
    store.close()


def test_an_event_that_comes_again_counts_as_a_duplicate_only(tmp_path: Path) -> None:
    store = store_at(tmp_path / "db")
    for _ in range(3):
        store.apply([prediction(1), label(1)], now=0)
    store.apply([prediction(1, arm="b"), label(1, value=0)], now=0)
    found = counted(tmp_path / "db")
    assert (found[names.TRIALS, "a"], found[names.SUCCESSES, "a"]) == (1, MILLION)
    assert (found[names.DUPLICATE_PREDICTIONS, "a"], found[names.DUPLICATE_LABELS, ""]) == (2, 3)
    assert (names.TRIALS, "b") not in found
    store.close()


def test_one_id_on_two_routes_is_two_requests(tmp_path: Path) -> None:
    store = store_at(tmp_path / "db")
    store.apply([prediction(1), prediction(1)._replace(route="other"), label(1)], now=0)
    reader = CounterReader(tmp_path / "db")
    assert reader.read()[Key(names.JOINED, "r", "a")] == 1
    assert Key(names.JOINED, "other", "a") not in reader.read()
    reader.close()
    store.close()


@settings(max_examples=40, deadline=None)
@given(
    truth=st.lists(st.tuples(st.sampled_from("ab"), st.booleans(), st.booleans()), min_size=1, max_size=12),
    seed=st.integers(0, 2**32),
)
def test_any_order_and_repetition_counts_the_same(
    tmp_path_factory: pytest.TempPathFactory, truth: list[tuple[str, bool, bool]], seed: int
) -> None:
    once: list[Event] = []
    for i, (arm, predicted, true) in enumerate(truth):
        once += [prediction(i, arm, int(predicted)), label(i, int(true))]
    rng = random.Random(seed)
    again = once + rng.choices(once, k=len(once))
    rng.shuffle(again)
    path = tmp_path_factory.mktemp("store") / "db"
    while again:
        cut = rng.randrange(1, len(again) + 1)
        store = store_at(path)  # opened anew each time, as after a crash
        store.apply(again[:cut], now=0)
        store.close()
        again = again[cut:]
    found = counted(path)
    for arm in "ab":
        outcomes = [predicted == true for name, predicted, true in truth if name == arm]
        assert found.get((names.TRIALS, arm), 0) == len(outcomes)
        assert found.get((names.SUCCESSES, arm), 0) == sum(outcomes) * MILLION


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    store = store_at(tmp_path / "db")
    broken = Prediction("r", "id-2", "a", "{", 0.0)
    store.apply([label(2)], now=0)
    with pytest.raises(ValueError, match="Expecting"):
        store.apply([prediction(1), label(1), broken], now=0)
    assert counted(tmp_path / "db") == {(names.LABELS, ""): 1}
    store.apply([prediction(1), label(1)], now=0)
    assert counted(tmp_path / "db")[names.TRIALS, "a"] == 1
    store.close()


def test_fractions_of_a_reward_add_up_without_rounding(tmp_path: Path) -> None:
    store = store_at(tmp_path / "db", name="balanced-accuracy", priors={"0": 0.9, "1": 0.1})
    store.apply([event for i in range(900) for event in (prediction(i, predict=0), label(i, 0))], now=0)
    assert counted(tmp_path / "db")[names.SUCCESSES, "a"] == 900 * 111_111
    store.close()


def test_delays_are_counted_in_buckets(tmp_path: Path) -> None:
    store = store_at(tmp_path / "db")
    times = [100.05, 102.0, 100.0 + 40 * DAY, 99.0]  # the last by a clock that is slow
    store.apply([prediction(i) for i in range(4)], now=0)
    store.apply([label(i, time=time) for i, time in enumerate(times)], now=0)
    reader = CounterReader(tmp_path / "db")
    histogram = dict(delay_histogram(reader.read(), "r", "a"))
    assert (histogram[0.1], histogram[1.0], histogram[3.0], histogram[30 * DAY]) == (2, 2, 3, 3)
    assert histogram[float("inf")] == 4
    assert reader.read()[Key(names.DELAY_MILLISECONDS, "r", "a")] == 50 + 2000 + round(40 * DAY * 1000)
    reader.close()
    store.close()


def test_halves_that_waited_too_long_expire_and_count_no_trial(tmp_path: Path) -> None:
    store = store_at(tmp_path / "db")
    store.apply([prediction(1), label(2), prediction(3), label(3)], now=0)
    assert store.expire(now=DAY - 1, age=DAY) == 0
    assert store.expire(now=DAY + 1, age=DAY) == 2
    assert store.expire(now=DAY + 1, age=DAY) == 0
    found = counted(tmp_path / "db")
    assert (found[names.EXPIRED_PREDICTIONS, "a"], found[names.EXPIRED_LABELS, ""]) == (1, 1)
    assert found[names.TRIALS, "a"] == 1
    store.close()


def test_a_label_after_its_prediction_expired_is_late_and_counts_no_trial(tmp_path: Path) -> None:
    store = store_at(tmp_path / "db")
    store.apply([prediction(1)], now=0)
    store.expire(now=DAY + 1, age=DAY)
    store.apply([label(1)], now=DAY + 2)
    found = counted(tmp_path / "db")
    assert found[names.LATE_LABELS, ""] == 1
    assert (names.TRIALS, "a") not in found
    store.close()


def test_conversions_and_their_absence_are_counted_at_the_end_of_the_window_once(tmp_path: Path) -> None:
    store = store_at(tmp_path / "db", name="conversion", most=10)
    store.apply([prediction(1), prediction(2), label(2, value=5), label(3, value=10), prediction(3)], now=0)
    assert (names.TRIALS, "a") not in counted(tmp_path / "db")
    store.expire(now=DAY + 1, age=DAY)
    store.expire(now=DAY + 2, age=DAY)
    found = counted(tmp_path / "db")
    assert (found[names.TRIALS, "a"], found[names.SUCCESSES, "a"]) == (3, MILLION + MILLION // 2)
    assert (found[names.JOINED, "a"], found[names.EXPIRED_PREDICTIONS, "a"]) == (2, 1)
    store.apply([label(1), label(2), prediction(3)], now=DAY + 3)
    found = counted(tmp_path / "db")
    assert (found[names.TRIALS, "a"], found[names.LATE_LABELS, ""]) == (3, 1)
    store.close()


def test_rows_are_forgotten_at_twice_the_age(tmp_path: Path) -> None:
    store = store_at(tmp_path / "db")
    store.apply([event for i in range(10) for event in (prediction(i), label(i))], now=0)
    assert [store.expire(now=2 * DAY + 1, age=DAY, limit=4) for _ in range(4)] == [4, 4, 2, 0]
    assert counted(tmp_path / "db")[names.TRIALS, "a"] == 10
    store.close()


def test_a_file_that_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database " * 100)
    with pytest.raises(BadSetting, match=r"--database .*notes.txt: cannot be used: file is not a database"):
        store_at(path)
