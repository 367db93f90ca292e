"""The reward collector as a server."""

from __future__ import annotations

import gzip
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving.conftest import until

PREDICTION = {"id": "1", "route": "income", "arm": "a", "outputs": {"predict": 1}, "time": 100.0}
LABEL = {"id": "1", "route": "income", "label": 1, "time": 101.0}
TRIALS = 'model_reward_trials_total{arm="a",route="income"}'
SUCCESSES = 'model_reward_successes_total{arm="a",route="income"}'


@pytest.fixture
def collector(start: Callable[..., Any], database: str) -> Any:
    return start("collector", "--database", database, "--drain-delay", "0s")


def post(collector: Any, kind: str, events: Any) -> httpx.Response:
    return httpx.post(f"{collector.url}/v1/{kind}", json=events, timeout=20)


@pytest.mark.slow
def test_a_joined_request_is_counted_for_its_arm(collector: Any) -> None:
    assert post(collector, "predictions", [PREDICTION]).json() == {"committed": 1}
    assert collector.metrics()['model_reward_pending_predictions{arm="a",route="income"}'] == 1
    assert post(collector, "labels", [LABEL, {**LABEL, "id": "2"}]).json() == {"committed": 2}
    metrics = collector.metrics()
    assert (metrics[TRIALS], metrics[SUCCESSES]) == (1, 1)
    assert [name for name in metrics if "_created" in name] == []
    assert metrics['model_reward_pending_predictions{arm="a",route="income"}'] == 0
    assert metrics['model_reward_pending_labels{route="income"}'] == 1
    assert metrics['model_reward_delay_seconds_bucket{arm="a",le="1",route="income"}'] == 1
    assert metrics['model_reward_delay_seconds_bucket{arm="a",le="+Inf",route="income"}'] == 1
    assert metrics['model_reward_delay_seconds_sum{arm="a",route="income"}'] == 1
    route = collector.get("/v1/summary")["routes"]["income"]
    assert (route["labels"], route["pending_labels"]) == (2, 1)
    assert (route["arms"]["a"]["trials"], route["arms"]["a"]["mean"]) == (1, 1.0)


def test_shadows_are_exposed_apart_from_served_answers_and_compared_in_pairs(collector: Any) -> None:
    shadows = [{**PREDICTION, "shadow": True, "arm": arm, "outputs": {"predict": arm == "a"}} for arm in "ab"]
    served = {**PREDICTION, "outputs": {"predict": True}, "shadow": False}
    assert post(collector, "predictions", [*shadows, served]).json() == {"committed": 3}
    waiting = 'model_reward_shadow_pending_predictions{arm="b",route="income"}'
    assert collector.metrics()[waiting] == 1
    post(collector, "predictions", shadows[:1])
    post(collector, "labels", [{**LABEL, "label": True}])
    metrics = collector.metrics()
    found = {
        name.removeprefix("model_reward_").replace(',route="income"', ""): value
        for name, value in metrics.items()
        if "shadow" in name
    }
    per_arm = ("predictions_total", "joined_total", "trials_total")
    assert [found[f'shadow_{name}{{arm="{arm}"}}'] for name in per_arm for arm in "ab"] == [1] * 6
    assert [found[f'shadow_successes_total{{arm="{arm}"}}'] for arm in "ab"] == [1, 0]
    assert found['shadow_duplicate_predictions_total{arm="a"}'] == 1
    sums = ("trials_total", "gains_total", "losses_total", "squares_total")
    pair = 'pair="a/b",route="income"'
    assert [metrics[f"model_reward_shadow_pair_{name}{{{pair}}}"] for name in sums] == [1, 1, 0, 1]
    assert (metrics[waiting], metrics[TRIALS]) == (0, 1)
    assert 'model_reward_pending_predictions{arm="b",route="income"}' not in metrics
    route = collector.get("/v1/summary")["routes"]["income"]
    assert list(route["arms"]) == ["a"]
    assert [route["shadows"]["arms"][arm]["mean"] for arm in "ab"] == [1.0, 0.0]
    assert route["shadows"]["pairs"] == {"a/b": {"trials": 1, "mean_difference": 1.0}}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/prediction", 404),
        ("GET", "/", 404),
        ("GET", "/v1/labels", 405),
        ("PUT", "/v1/labels", 405),
    ],
)
def test_a_wrong_address_is_told_the_right_ones(collector: Any, method: str, path: str, status: int) -> None:
    answer = httpx.request(method, collector.url + path, timeout=20)
    assert answer.status_code == status
    assert answer.json()["error"].startswith(
        f"{method} {path} is nothing of this collector; POST /v1/predict"
    )
    assert answer.headers.get("Allow") == ("POST" if status == 405 else None)


def test_a_path_with_a_slash_at_its_end_is_answered_as_the_one_without(collector: Any) -> None:
    assert post(collector, "predictions/", [PREDICTION]).json() == {"committed": 1}
    assert post(collector, "labels/", [LABEL]).json() == {"committed": 1}
    assert collector.get("/v1/summary/")["routes"]["income"]["arms"]["a"]["trials"] == 1
    answers = [httpx.get(collector.url + path, timeout=20) for path in ("/health/ready/", "/metrics/")]
    assert [answer.status_code for answer in answers] == [200, 200]
    elsewhere = httpx.get(f"{collector.url}/v1/labels/", timeout=20)
    assert (elsewhere.status_code, elsewhere.headers["Allow"]) == (405, "POST")


def test_a_compressed_body_is_refused_with_what_to_do(collector: Any) -> None:
    answer = httpx.post(
        f"{collector.url}/v1/labels",
        content=gzip.compress(json.dumps([LABEL]).encode()),
        headers={"Content-Encoding": "gzip"},
        timeout=20,
    )
    assert answer.status_code == 415
    assert "Content-Encoding: 'gzip' is not read; send the JSON as it is" in answer.json()["error"]


@pytest.mark.slow
def test_counters_go_on_where_they_were_after_a_restart(start: Callable[..., Any], database: str) -> None:
    arguments = ("collector", "--database", database, "--drain-delay", "0s")
    first = start(*arguments)
    post(first, "predictions", [PREDICTION])
    post(first, "labels", [LABEL])
    assert first.terminate() == 0
    second = start(*arguments)
    assert second.metrics()[TRIALS] == 1
    post(second, "labels", [LABEL])
    assert second.metrics()[TRIALS] == 1
    assert second.metrics()['model_reward_duplicate_labels_total{route="income"}'] == 1


@pytest.mark.slow
def test_counters_since_the_start_leave_out_what_came_before_and_keep_every_series(
    start: Callable[..., Any], database: str
) -> None:
    arguments = ("collector", "--database", database, "--drain-delay", "0s", "--counters", "since-start")
    first = start(*arguments)
    post(first, "predictions", [PREDICTION, {**PREDICTION, "id": "2"}])
    post(first, "labels", [LABEL])
    assert first.metrics()[TRIALS] == 1
    assert first.terminate() == 0
    second = start(*arguments)
    waiting = 'model_reward_pending_predictions{arm="a",route="income"}'
    assert (second.metrics()[TRIALS], second.metrics()[waiting]) == (0, 1)
    post(second, "labels", [{**LABEL, "id": "2"}])
    assert (second.metrics()[TRIALS], second.metrics()[waiting]) == (1, 0)
    assert second.metrics()['model_reward_delay_seconds_count{arm="a",route="income"}'] == 1
    assert second.get("/v1/summary")["routes"]["income"]["arms"]["a"]["trials"] == 2


BAD = {
    "no array": ("predictions", PREDICTION, "must be a JSON array"),
    "no object": ("predictions", [1], "event 0: 1 is not an object"),
    "no id": ("predictions", [{**PREDICTION, "id": ""}], "event 0: id: '' is not a string of 1 to 256 char"),
    "long route": ("labels", [{**LABEL, "route": "r" * 257}], "event 0: route: 'rrr"),
    "no arm": ("predictions", [{**PREDICTION, "arm": None}], "event 0: arm: None is not a string"),
    "no outputs": ("predictions", [{**PREDICTION, "outputs": [1]}], "outputs: [1] is not an object"),
    "no class": ("predictions", [{**PREDICTION, "outputs": {}}], "event 0: outputs: `predict` is missing"),
    "class is a list": ("predictions", [{**PREDICTION, "outputs": {"predict": [1]}}], "[1] is no class"),
    "no label": ("labels", [{"id": "1", "route": "income"}], "event 0: label: missing"),
    "label is a list": ("labels", [{**LABEL, "label": [1]}], "event 0: label: [1] is no class"),
    "a label with NUL": ("labels", [{**LABEL, "id": "a\0"}], "has characters that no database takes"),
    "half a character": ("labels", [{**LABEL, "id": "\ud800"}], "has characters that no database takes"),
    "milliseconds": (
        "labels",
        [{**LABEL, "time": 1.7e12}],
        "is no Unix time of these centuries; send it in sec",
    ),
    "a shadow by text": (
        "predictions",
        [{**PREDICTION, "shadow": "yes"}],
        "event 0: shadow: 'yes' is neither true nor false",
    ),
    "a slash in a shadow's arm": (
        "predictions",
        [{**PREDICTION, "shadow": True, "arm": "a/b"}],
        "event 0: arm: 'a/b' has a slash, which joins the names of two arms",
    ),
    "time is text": ("labels", [{**LABEL, "time": "noon"}], "event 0: time: 'noon' is not a Unix time"),
    "a label beyond floats": ("labels", [{**LABEL, "label": 10**400}], "event 0: label: a number beyond"),
    "a class beyond floats": (
        "predictions",
        [{**PREDICTION, "outputs": {"predict": 10**400}}],
        "event 0: outputs.predict: a number beyond ±1.8e308; send finite numbers",
    ),
    "any output beyond floats": (
        "predictions",
        [{**PREDICTION, "outputs": {"predict": 1, "more": [0, {"deep": -(10**4000)}]}}],
        "event 0: outputs.more[1].deep: a number beyond",
    ),
    "a time beyond floats": ("labels", [{**LABEL, "time": 10**400}], "event 0: time: inf is not a Unix time"),
    "the second is bad": ("labels", [LABEL, {**LABEL, "id": 2}], "event 1: id: 2 is not a string"),
}


@pytest.mark.parametrize(("kind", "events", "message"), BAD.values(), ids=BAD.keys())
def test_a_bad_event_is_named_and_its_batch_is_not_taken(
    bad_events_collector: Any, kind: str, events: Any, message: str
) -> None:
    body = json.dumps(events)
    answer = httpx.post(f"{bad_events_collector.url}/v1/{kind}", content=body, timeout=20)
    assert answer.status_code == 400
    assert message in answer.json()["error"]
    assert bad_events_collector.get("/v1/summary") == {"routes": {}}


@pytest.fixture(scope="module")
def bad_events_collector(
    tmp_path_factory: pytest.TempPathFactory, start_for_module: Callable[..., Any]
) -> Any:
    return start_for_module("collector", "--database", str(tmp_path_factory.mktemp("bad") / "rewards.db"))


def test_an_empty_batch_is_fine(collector: Any) -> None:
    assert post(collector, "labels", []).json() == {"committed": 0}


@pytest.mark.slow
def test_it_turns_unready_when_it_is_asked_to_end(start: Callable[..., Any], tmp_path: Path) -> None:
    collector = start("collector", "--database", str(tmp_path / "db"), "--drain-delay", "1s")
    with httpx.Client(base_url=collector.url) as client:
        assert client.get("/health/ready").status_code == 200
        collector.process.terminate()
        while (answer := client.get("/health/ready")).status_code == 200:
            pass
        assert answer.json() == {"ready": False}
        assert client.get("/health/live").status_code == 200
        assert client.post("/v1/labels", json=[LABEL]).status_code == 200
    assert collector.process.wait(20) == 0


def test_each_route_of_a_file_has_its_reward_function(start: Callable[..., Any], tmp_path: Path) -> None:
    routes = tmp_path / "routes.yaml"
    routes.write_text("""
income: {reward: accuracy}
shop: {reward: revenue-per-item, settings: {denominator: pieces}}
""")
    collector = start("collector", "--database", str(tmp_path / "db"), "--routes", str(routes))
    post(collector, "predictions", [PREDICTION, {**PREDICTION, "route": "shop"}])
    sale = {**LABEL, "route": "shop", "label": {"revenue": 2.5, "pieces": 4}}
    assert post(collector, "labels", [LABEL, sale]).json() == {"committed": 2}
    metrics = collector.metrics()
    assert (metrics[TRIALS], metrics[SUCCESSES]) == (1, 1)
    shop = {
        name.partition("{")[0].removeprefix("model_reward_"): value
        for name, value in metrics.items()
        if '{arm="a",route="shop"}' in name
    }
    assert (shop["trials_total"], shop["successes_total"], shop["squares_total"]) == (1, 2.5, 6.25)
    assert (shop["denominators_total"], shop["denominator_squares_total"]) == (4, 16)
    assert shop["cross_products_total"] == 10
    assert collector.get("/v1/summary")["routes"]["shop"]["arms"]["a"]["ratio"] == 2.5 / 4
    refused = post(collector, "labels", [{**LABEL, "route": "other"}])
    assert "route: 'other' has no reward function; the routes of --routes are income, shop" in refused.text


@pytest.mark.parametrize(
    ("predicted", "label", "message"),
    [
        (True, 1, "true and 1 are a boolean and none; send predictions and labels alike"),
        (1, True, "1 and true are a boolean and none; send predictions and labels alike"),
        (False, "no", "false and no are a boolean and none"),
        (0.7, 1, "0.7 is no class beside 1: it looks like a probability; send the class"),
        (0.7, "1.0", "0.7 is no class beside 1: it looks like a probability"),
    ],
)
def test_a_label_that_can_never_equal_its_prediction_is_refused_with_what_to_send(
    never_equal_collector: Any, predicted: Any, label: Any, message: str
) -> None:
    name = f"{predicted}-{label}"
    prediction = {**PREDICTION, "id": name, "outputs": {"predict": predicted}}
    assert post(never_equal_collector, "predictions", [prediction]).status_code == 200
    answer = post(never_equal_collector, "labels", [{**LABEL, "id": name, "label": label}])
    assert (answer.status_code, message in answer.json()["error"]) == (400, True)
    assert f"request '{name}' of route 'income'" in answer.json()["error"]


@pytest.fixture(scope="module")
def never_equal_collector(
    tmp_path_factory: pytest.TempPathFactory, start_for_module: Callable[..., Any]
) -> Any:
    return start_for_module("collector", "--database", str(tmp_path_factory.mktemp("never") / "rewards.db"))


def test_events_that_are_refused_or_have_no_reward_are_counted(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    settings = json.dumps({"formula": "1 if predict == label else 0"})
    arguments = ("--reward", "expression", "--reward-settings", settings)
    collector = start("collector", "--database", str(tmp_path / "db"), *arguments)
    post(collector, "predictions", [PREDICTION])
    post(collector, "labels", [{**LABEL, "label": "1"}])
    post(collector, "labels", [LABEL, LABEL, {**LABEL, "label": [1]}])
    metrics = collector.metrics()
    assert metrics['model_reward_unrewarded_total{arm="a",route="income"}'] == 1
    assert metrics['collector_refused_events_total{code="400",kind="labels"}'] == 3
    assert collector.get("/v1/summary")["routes"]["income"]["arms"]["a"]["unrewarded"] == 1


@pytest.mark.slow
def test_a_second_signal_ends_a_draining_collector_at_once_and_loses_nothing_it_had_answered(
    start: Callable[..., Any], database: str
) -> None:
    first = start("collector", "--database", database, "--drain-delay", "10m")
    first.process.terminate()
    until(lambda: any(line["event"] == "draining" for line in first.logs))
    assert post(first, "predictions", [PREDICTION]).json() == {"committed": 1}
    assert first.insist(signal.SIGTERM) == 128 + signal.SIGTERM
    second = start("collector", "--database", database, "--drain-delay", "0s")
    post(second, "labels", [LABEL])
    assert second.metrics()[TRIALS] == 1
