"""Arms that refuse, fail, are late, die or talk nonsense, by which no other arm loses anything."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from prometheus_client import CollectorRegistry

from bandit_serving.predictions import PredictionEvents
from bandit_serving.shadow.arms import Arm
from bandit_serving.shadow.breaker import Breaker, State
from bandit_serving.shadow.copies import Copy
from bandit_serving.shadow.metrics import ShadowMetrics
from bandit_serving.shadow.protocols import OpenInference
from tests.serving.conftest import DEADLINE, Server, until
from tests.serving.shadow.conftest import (
    INFER,
    Begin,
    Breaks,
    Make,
    Waits,
    calls,
    copy,
    delivered,
    dropped,
    label,
    predicting,
    scored,
    until_calls,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


def test_what_becomes_of_each_call_is_counted_by_arm_and_the_good_arm_is_scored(
    begin: Begin, collector: Server, model: Make, gate: threading.Event, closed_port: int
) -> None:
    arms = {
        "good": model(predicting(1)),
        "refuses": model(403),
        "broken": model(500),
        "moved": model(301),
        "nonsense": model({"outputs": "none"}),
        "html": model(b"<html>"),
        "endless": model(b"x" * 5_000),
        "never": model(Waits(gate)),
        "dies": model(Breaks(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")),
        "mute": model(Breaks(b"")),
        "gone": f"http://127.0.0.1:{closed_port}",
    }
    shadow = begin(arms, "--deadline", "500ms", "--max-bytes", "2000")
    assert copy(shadow, "1").status_code == 202
    label(collector, "1")
    until(lambda: len(calls(shadow)) == len(arms))
    assert set(calls(shadow)) == {
        ("good", "answered"),
        ("refuses", "status_4xx"),
        ("broken", "status_5xx"),
        ("moved", "status_3xx"),
        ("nonsense", "nonsense"),
        ("html", "nonsense"),
        ("endless", "too_long"),
        ("never", "timeout"),
        ("dies", "connection"),
        ("mute", "connection"),
        ("gone", "connection"),
    }
    until(lambda: scored(collector, "good") == 1)
    arms_scored = collector.get("/v1/summary")["routes"]["income"]["shadows"]["arms"]
    assert list(arms_scored) == ["good"]


def test_an_arm_that_keeps_failing_is_left_alone_and_taken_back_when_it_answers_again(
    begin: Begin, model: Make
) -> None:
    arm = model(500)
    shadow = begin({"a": arm}, "--breaker-failures", "3", "--breaker-pause", "300ms")

    def state() -> str:
        (now,) = [n for n, v in shadow.metrics().items() if n.startswith("shadow_breaker_state") and v]
        return now.split('"')[3]

    for i in range(3):
        copy(shadow, f"failing-{i}")
        until_calls(shadow, {("a", "status_5xx"): i + 1})
    assert state() == "open"
    until(lambda: copy(shadow, "left out").status_code == 202 and calls(shadow).get(("a", "breaker_open")))
    assert len(arm.asked) == calls(shadow)["a", "status_5xx"]
    arm.reply = lambda _asked: predicting(1)
    until(lambda: copy(shadow, "again").status_code == 202 and calls(shadow).get(("a", "answered")))
    assert state() == "closed"


class _Faulty(OpenInference):
    """A protocol with a fault of its own, as nobody expects it."""

    def predictions(self, answer: Any, headers: Mapping[str, str]) -> list[dict[str, Any]]:  # noqa: ARG002 # part of the interface
        if answer == {"fine": True}:
            return [{"predict": 1}]
        raise RuntimeError("not foreseen")


async def test_a_call_that_ends_by_an_unexpected_fault_is_counted_and_the_arm_is_tried_again(
    model: Make,
) -> None:
    arm = model({})
    registry = CollectorRegistry()
    asked = Arm(
        "a",
        arm.url,
        protocol=_Faulty(),
        breaker=Breaker(failures=1, pause=0.0),
        events=PredictionEvents("http://127.0.0.1:1", route="r", arm="a"),
        metrics=ShadowMetrics(registry, ["a"]),
        most_bytes=1000,
    )
    async with aiohttp.ClientSession() as client:
        for number in range(3):  # the first opens the breaker, the others are the one call after its pause
            await asked.score(client, Copy(str(number), "POST", INFER, [], b"{}"))
        arm.reply = lambda _asked: {"fine": True}
        await asked.score(client, Copy("4", "POST", INFER, [], b"{}"))

    def counted(outcome: str) -> float | None:
        return registry.get_sample_value("shadow_calls_total", {"arm": "a", "outcome": outcome})

    assert (counted("nonsense"), counted("breaker_open"), counted("answered")) == (3, 0, 1)
    assert asked.breaker.state is State.CLOSED


def test_an_arm_that_refuses_stays_asked_and_one_that_is_overloaded_does_not(
    begin: Begin, model: Make
) -> None:
    shadow = begin({"refuses": model(403), "overloaded": model(429)}, "--breaker-failures", "2")
    for i in range(2):
        copy(shadow, str(i))
        until_calls(shadow, {("refuses", "status_4xx"): i + 1, ("overloaded", "status_4xx"): i + 1})
    for i in range(2):
        copy(shadow, str(i))
        wanted = {("refuses", "status_4xx"): i + 3, ("overloaded", "status_4xx"): 2}
        until_calls(shadow, {**wanted, ("overloaded", "breaker_open"): i + 1})


def test_what_the_collector_rejects_of_one_arm_takes_nothing_of_another_along(
    begin: Begin, collector: Server, model: Make
) -> None:
    shadow = begin({"good": model(predicting(1)), "misnamed": model(predicting(1, "answer"))})
    for i in range(10):
        copy(shadow, str(i))
    rejected = 'shadow_predictions_total{arm="misnamed",result="rejected"}'
    until(lambda: shadow.metrics().get(rejected) == delivered(shadow, "good") == 10)
    assert scored(collector, "good", "predictions") == 10


def test_an_answer_that_the_collector_refuses_takes_no_other_answer_of_the_arm_along(
    start: Callable[..., Server], begin: Begin, collector: Server, model: Make, tmp_path: Path
) -> None:
    # Each answer is one of a model, but the third's prediction is no class.
    arm = model(lambda asked: predicting({"of": 1} if b'"2"' in asked.body else 1))
    shadow = begin({"a": arm})
    collector.terminate()  # so that all of them are in one batch
    for i in range(5):
        copy(shadow, str(i))
    until_calls(shadow, {("a", "answered"): 5})
    again = start("collector", "--database", str(tmp_path / "rewards.db"), port=collector.port)
    until(lambda: shadow.metrics()['shadow_predictions_total{arm="a",result="rejected"}'] == 1)
    until(lambda: delivered(shadow, "a") == scored(again, "a", "predictions") == 4)


def test_a_collector_that_is_down_gets_everything_later_and_a_full_buffer_drops_and_counts(
    start: Callable[..., Server], begin: Begin, collector: Server, model: Make, tmp_path: Path
) -> None:
    shadow = begin({"a": model(predicting(1))}, "--buffer", "3")
    collector.terminate()
    for i in range(5):
        assert copy(shadow, str(i)).status_code == 202
    until(lambda: shadow.metrics()['shadow_predictions_total{arm="a",result="dropped"}'] == 2)
    assert shadow.metrics()['shadow_predictions_pending{arm="a"}'] == 3
    again = start("collector", "--database", str(tmp_path / "rewards.db"), port=collector.port)
    until(lambda: delivered(shadow, "a") == scored(again, "a", "predictions") == 3)


def test_the_token_of_the_collector_is_sent(
    start: Callable[..., Server], model: Make, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("hush\n")
    rewards = start("collector", "--database", str(tmp_path / "db"), "--token-file", str(token))
    arm = model(predicting(1))
    shadow = start(
        *("shadow", "--route", "income", "--collector", rewards.url, "--arm", f"a={arm.url}"),
        *("--collector-token-file", str(token), "--metrics-port", "0"),
    )
    copy(shadow, "1")
    until(lambda: delivered(shadow, "a") == 1)
    assert not any("hush" in str(line) for line in shadow.logs)


def test_several_rows_of_a_request_are_known_by_its_id_and_their_number(
    begin: Begin, collector: Server, model: Make
) -> None:
    answer: dict[str, Any] = {"outputs": [{"name": "predict", "shape": [2], "data": [1, 0]}]}
    shadow = begin({"a": model(answer)})
    copy(shadow, "batch")
    for i in range(2):
        label(collector, f"batch/{i}")
    until(lambda: scored(collector, "a") == 2)
    assert scored(collector, "a", "successes") == 1


def test_a_loop_through_the_gateway_ends_at_its_first_turn(begin: Begin, model: Make) -> None:
    arm = model(predicting(1))
    shadow = begin({"a": arm})

    def mirror(asked: Any) -> dict[str, Any]:
        again = httpx.post(
            shadow.url + asked.target,
            content=asked.body,
            headers={"X-Bandit-Shadow": "true"},
            timeout=DEADLINE,
        )
        assert again.status_code == 508
        return predicting(1)

    arm.reply = mirror
    copy(shadow, "1")
    until_calls(shadow, {("a", "answered"): 1})
    assert (dropped(shadow, "shadow"), len(arm.asked)) == (1, 1)
