"""The shadow server takes copies at once, drops what it cannot use, and says why."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import threading
from typing import Any

import httpx
import pytest

from bandit_serving.shadow.copies import sampled
from bandit_serving.shadow.metrics import OUTCOMES, REASONS
from tests.serving.conftest import DEADLINE, Server, until
from tests.serving.shadow.conftest import (
    INFER,
    Begin,
    Make,
    Waits,
    calls,
    copy,
    dropped,
    label,
    predicting,
    scored,
    until_calls,
)

pytestmark = pytest.mark.slow


def test_every_arm_gets_the_same_request_marked_as_a_shadow_call(begin: Begin, model: Make) -> None:
    arms = {name: model(predicting(1)) for name in ("a", "b")}
    shadow = begin(arms)
    headers = {"Authorization": "Bearer me", "Host": "shop.example-shadow", "X-Request-ID": "other"}
    answer = copy(shadow, "1", f"{INFER}?verbose=%31&x", headers=headers)
    assert (answer.status_code, answer.content) == (202, b"")
    until_calls(shadow, {("a", "answered"): 1, ("b", "answered"): 1})
    for name, one in arms.items():
        (asked,) = one.asked
        assert (asked.method, asked.target) == ("POST", f"{INFER}?verbose=%31&x")
        assert json.loads(asked.body)["id"] == "1"
        assert {k: asked.headers.get(k) for k in ("X-Bandit-Shadow", "authorization", "x-request-id")} == {
            "X-Bandit-Shadow": "true",
            "authorization": "Bearer me",
            "x-request-id": "other",
        }
        assert f"http://{asked.headers['Host']}" == one.url, name


def test_a_slash_at_the_end_of_a_path_reaches_the_arms_and_changes_nothing_of_metrics_and_health(
    begin: Begin, model: Make
) -> None:
    arm = model(predicting(1))
    shadow = begin({"a": arm})
    assert copy(shadow, "1", f"{INFER}/").status_code == 202
    until_calls(shadow, {("a", "answered"): 1})
    assert [asked.target for asked in arm.asked] == [f"{INFER}/"]
    answers = [httpx.get(shadow.metrics_url + path) for path in ("/metrics/", "/health/ready/")]
    assert [answer.status_code for answer in answers] == [200, 200]


def test_the_predictions_of_all_arms_are_joined_with_a_label_that_came_before_or_comes_after(
    begin: Begin, collector: Server, model: Make
) -> None:
    shadow = begin({"right": model(predicting(1)), "wrong": model(predicting(0))})
    label(collector, "early")
    copy(shadow, "early")
    copy(shadow, "late")
    until(lambda: scored(collector, "wrong", "predictions") == 2)
    label(collector, "late")
    until(lambda: scored(collector, "right") == scored(collector, "wrong") == 2)
    assert [scored(collector, arm, "successes") for arm in ("right", "wrong")] == [2, 0]
    pair = 'model_reward_shadow_pair_gains_total{pair="right/wrong",route="income"}'
    assert collector.metrics()[pair] == 2
    assert not any(name.startswith("model_reward_trials_total{") for name in collector.metrics())


def test_plain_json_with_the_id_in_a_header_by_put_is_scored_too(
    begin: Begin, collector: Server, model: Make
) -> None:
    shadow = begin(
        {"a": model({"predictions": [{"label": "yes"}]})},
        *("--protocol", "json", "--prediction", "predictions.0.label", "--id-header", "X-Trace"),
    )
    answer = httpx.put(f"{shadow.url}/predict", content=b"any", headers={"X-Trace": "7"}, timeout=DEADLINE)
    assert answer.status_code == 202
    label(collector, "7", "yes")
    until(lambda: scored(collector, "a", "successes") == 1)


def test_the_copy_is_answered_while_no_arm_answers_and_what_does_not_fit_is_dropped(
    begin: Begin, model: Make, gate: threading.Event
) -> None:
    slow = model(Waits(gate))
    shadow = begin({"slow": slow}, "--in-flight", "2", "--queue", "3", "--deadline", "10m")
    statuses = [copy(shadow, str(i)).status_code for i in range(8)]
    assert statuses == [202] * 5 + [429] * 3
    assert dropped(shadow, "queue_full") == 3
    until(lambda: len(slow.asked) == 2)
    gate.set()
    until_calls(shadow, {("slow", "answered"): 5})
    assert copy(shadow, "again").status_code == 202


def test_bodies_that_wait_are_bounded_together(begin: Begin, model: Make, gate: threading.Event) -> None:
    shadow = begin({"slow": model(Waits(gate))}, "--max-bytes", "1000", "--deadline", "10m")
    body = json.dumps({"id": "1", "inputs": "x" * 900})
    statuses = [copy(shadow, "1", json=None, content=body).status_code for _ in range(10)]
    assert statuses == [202] * 8 + [429] * 2
    assert dropped(shadow, "queue_full") == 2


@pytest.mark.parametrize(
    ("options", "status", "reason", "message"),
    [
        ({"json": {"inputs": []}}, 400, "no_id", "the field `id` of the body, or in the header X-Request-ID"),
        ({"headers": {"X-Request-ID": "x" * 300}, "json": {}}, 400, "bad_id", "send at most 240"),
        ({"json": None}, 400, "no_body", "there is nothing to predict"),
        (
            {"headers": {"X-Bandit-Shadow": "true"}},
            508,
            "shadow",
            "a call of this server came back as a copy",
        ),
        ({"json": None, "content": b"x" * 2000}, 413, "too_long", "at most 1000 are taken"),
    ],
)
def test_a_copy_that_cannot_be_scored_is_dropped_with_what_to_do(
    begin: Begin, model: Make, options: dict[str, Any], status: int, reason: str, message: str
) -> None:
    arm = model(predicting(1))
    shadow = begin({"a": arm}, "--max-bytes", "1000")
    answer = copy(shadow, "1", **options)
    assert (answer.status_code, message in answer.json()["error"]) == (status, True)
    assert dropped(shadow, reason) == shadow.metrics()["shadow_copies_total"] == 1
    assert not arm.asked


def test_a_body_that_does_not_arrive_in_time_is_given_up(begin: Begin, model: Make) -> None:
    shadow = begin({"a": model(predicting(1))}, "--body-timeout", "100ms")
    with socket.create_connection(("127.0.0.1", shadow.port), timeout=DEADLINE) as slow:
        slow.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        assert slow.recv(100).startswith(b"HTTP/1.1 408")
    assert dropped(shadow, "too_slow") == 1


def test_replicas_draw_the_same_share_of_the_ids(begin: Begin, model: Make) -> None:
    ids = [f"request-{i}" for i in range(60)]
    wanted = {one for one in ids if sampled(one, 0.3)}
    assert 0 < len(wanted) < len(ids)
    for _ in range(2):
        arm = model(predicting(1))
        shadow = begin({"a": arm}, "--share", "0.3")
        assert [copy(shadow, one).status_code for one in ids] == [202] * len(ids)
        until_calls(shadow, {("a", "answered"): len(wanted)})
        assert {json.loads(asked.body)["id"] for asked in arm.asked} == wanted
        assert dropped(shadow, "not_sampled") == len(ids) - len(wanted)


def test_all_series_of_what_can_happen_are_there_from_the_start(begin: Begin, model: Make) -> None:
    metrics = begin({"a": model(predicting(1))}).metrics()
    assert {metrics[f'shadow_copies_dropped_total{{reason="{one}"}}'] for one in REASONS} == {0}
    assert {metrics[f'shadow_calls_total{{arm="a",outcome="{one}"}}'] for one in OUTCOMES} == {0}
    assert metrics["shadow_copies_total"] == metrics['shadow_call_seconds_count{arm="a"}'] == 0
    assert metrics['shadow_breaker_state{arm="a",state="closed"}'] == 1
    assert metrics['shadow_predictions_total{arm="a",result="delivered"}'] == 0


def test_no_series_tells_when_another_one_was_created(begin: Begin, model: Make) -> None:
    metrics = begin({"a": model(predicting(1))}).metrics()
    assert [name for name in metrics if "_created" in name] == []


def test_metrics_and_health_are_at_their_own_port_and_every_path_of_the_other_is_a_copy(
    begin: Begin, model: Make
) -> None:
    arm = model(predicting(1))
    shadow = begin({"a": arm})
    health = [httpx.get(f"{shadow.metrics_url}/health/{one}").json() for one in ("live", "ready")]
    assert health == [{"live": True}, {"ready": True}]
    assert copy(shadow, "1", "/metrics").status_code == 202
    until(lambda: [asked.target for asked in arm.asked] == ["/metrics"])


def test_it_turns_unready_when_asked_to_end_and_scores_and_delivers_what_it_took(
    begin: Begin, collector: Server, model: Make, gate: threading.Event
) -> None:
    slow = model(Waits(gate))
    shadow = begin({"slow": slow}, "--in-flight", "1", "--deadline", "10m", "--flush-timeout", "1m")
    assert [copy(shadow, str(i)).status_code for i in range(5)] == [202] * 5
    until(lambda: slow.asked)
    shadow.process.terminate()
    until(lambda: httpx.get(f"{shadow.metrics_url}/health/ready").status_code == 503)
    gate.set()
    assert shadow.process.wait(DEADLINE) == 0
    assert scored(collector, "slow", "predictions") == 5


def test_what_cannot_be_scored_before_it_ends_is_said_to_be_left(
    begin: Begin, model: Make, gate: threading.Event
) -> None:
    shadow = begin({"slow": model(Waits(gate))}, "--deadline", "10m", "--flush-timeout", "100ms")
    assert copy(shadow, "1").status_code == 202
    assert shadow.terminate() == 0
    assert [line["copies"] for line in shadow.logs if line["event"] == "copies not scored"] == [1]


async def test_many_copies_at_once_are_all_answered_and_each_is_accounted_for(
    begin: Begin, collector: Server, model: Make
) -> None:
    shadow = begin({"a": model(predicting(1)), "b": model(predicting(0))}, "--queue", "20")

    async def client(number: int) -> None:
        async with httpx.AsyncClient(base_url=shadow.url, timeout=DEADLINE) as http:
            for i in range(30):
                answer = await http.post(INFER, json={"id": f"{number}-{i}"})
                assert answer.status_code in (202, 429)

    await asyncio.gather(*map(client, range(10)))

    def settled() -> bool:
        metrics = shadow.metrics()
        made = sum(calls(shadow).values())
        return metrics["shadow_copies_total"] == 300 == made / 2 + dropped(shadow, "queue_full")

    until(settled)
    answered = calls(shadow)["a", "answered"]
    until(lambda: scored(collector, "a", "predictions") == scored(collector, "b", "predictions") == answered)


def test_a_second_signal_ends_a_shadow_at_once_and_says_which_copies_are_not_scored(
    begin: Begin, model: Make
) -> None:
    held = threading.Event()
    shadow = begin({"a": model(Waits(held))}, "--drain-delay", "10m", "--deadline", "10m")
    try:
        assert copy(shadow, "1").status_code == 202
        shadow.process.terminate()
        until(lambda: any(line["event"] == "draining" for line in shadow.logs))
        assert shadow.insist(signal.SIGTERM) == 128 + signal.SIGTERM
    finally:
        held.set()
    lost = until(lambda: [line for line in list(shadow.logs) if line["event"] == "copies not scored"])
    assert [line["copies"] for line in lost] == [1]
