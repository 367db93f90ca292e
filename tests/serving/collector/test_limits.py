"""What the collector takes at most, and from whom."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from bandit_serving.cli import main
from bandit_serving.collector.counters import Counters, Key
from bandit_serving.collector.events import Event, Label, Prediction
from bandit_serving.collector.limits import InFlight, KnownNames, Limits
from bandit_serving.collector.metrics import CounterMetrics, summary
from bandit_serving.errors import BadRequest, Overloaded
from tests.serving.conftest import until

LABEL = {"id": "1", "route": "income", "label": 1, "time": 101.0}


def prediction(route: str, arm: str) -> Event:
    return Prediction(route, "1", arm, "{}", 0.0)


def test_a_route_beyond_the_limit_is_refused_by_event_and_option_and_its_batch_notes_nothing() -> None:
    names = KnownNames(Limits(routes=2), {})
    names.admit([Label("one", "1", "1", 0.0)])
    with pytest.raises(BadRequest, match=r"event 1: route: 'three' would be one more than the 2 of --max-ro"):
        names.admit([prediction("two", "a"), prediction("three", "a")])
    names.admit([prediction("four", "a"), prediction("one", "a")])


def test_an_arm_beyond_the_limit_is_refused_and_those_counted_before_a_restart_are_not() -> None:
    counters: Counters = {Key("predictions", "income", arm): 1 for arm in ("a", "b", "c")}
    names = KnownNames(Limits(arms=2), counters)
    names.admit([prediction("income", arm) for arm in "abc"])
    with pytest.raises(BadRequest, match="event 1: arm: 'd' would be one more than the 2 of --max-arms"):
        names.admit([prediction("income", "a"), prediction("income", "d")])
    names.admit([prediction("other", "d")])


def test_names_of_a_batch_that_was_refused_after_all_leave_their_room_to_others() -> None:
    names = KnownNames(Limits(routes=2, arms=1), {Key("predictions", "income", "a"): 1})
    refused = names.admit([prediction("other", "made-up")])
    beside = names.admit([prediction("other", "made-up")])
    names.settle(refused, refused=True)
    with pytest.raises(BadRequest, match="--max-arms"):  # while the other one may still be counted
        names.admit([prediction("other", "good")])
    names.settle(beside, refused=True)
    names.settle(names.admit([prediction("other", "good")]), refused=False)
    names.settle(names.admit([prediction("income", "a"), Label("other", "1", "1", 0.0)]), refused=True)
    names.admit([prediction("income", "a"), prediction("other", "good")])
    with pytest.raises(BadRequest, match="--max-routes"):
        names.admit([prediction("third", "a")])


def test_a_prediction_that_is_refused_beside_its_label_takes_no_arms_room(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    collector = start("collector", "--database", str(tmp_path / "db"), "--max-arms", "1")

    def post(kind: str, **event: Any) -> int:
        events = [{"id": "1", "route": "income", **event}]
        return httpx.post(f"{collector.url}/v1/{kind}", json=events, timeout=20).status_code

    assert post("labels", label=True) == 200
    assert post("predictions", arm="never-equal", outputs={"predict": 1}) == 400
    assert post("predictions", arm="good", outputs={"predict": True}) == 200


def test_only_the_arms_of_the_option_are_taken_even_where_others_were_counted_before() -> None:
    counters: Counters = {Key("predictions", "income", "old"): 1}
    names = KnownNames(Limits(arm_names=frozenset({"a", "b"})), counters)
    names.admit([prediction("income", "a"), Label("income", "1", "1", 0.0)])
    with pytest.raises(BadRequest, match="event 0: arm: 'old' is none of --arms, a, b"):
        names.admit([prediction("income", "old")])


def test_requests_and_the_bytes_of_their_bodies_are_bounded_and_given_back() -> None:
    in_flight = InFlight(Limits(requests=2, body_bytes=10))
    with contextlib.ExitStack() as stack:
        hold = stack.enter_context(in_flight.request())
        hold(79)
        second = stack.enter_context(in_flight.request())
        with pytest.raises(Overloaded, match="requests of 79 bytes are under way"):
            second(2)
        with pytest.raises(Overloaded, match="2 requests are under way, the most of --max-requests"):
            stack.enter_context(in_flight.request())
    with in_flight.request() as hold:
        hold(80)


class CountingCounters(dict[Key, int]):
    """Counters that count how often they are looked at."""

    looks = 0

    def __getitem__(self, key: Key) -> int:
        type(self).looks += 1
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[Key]:
        type(self).looks += len(self)
        return super().__iter__()

    def items(self) -> Any:
        type(self).looks += len(self)
        return super().items()


@pytest.mark.parametrize(
    "read", [summary, lambda counters: list(CounterMetrics(lambda: counters, int).collect())]
)
def test_the_summary_and_the_metrics_look_at_each_counter_a_fixed_number_of_times(
    read: Callable[[Counters], Any],
) -> None:
    def looks(routes: int) -> int:
        kinds = ("predictions", "labels", "joined", "trials")
        counters = {Key(kind, f"r{i}", "a"): 1 for i in range(routes) for kind in kinds}
        CountingCounters.looks = 0
        read(CountingCounters(counters))
        return CountingCounters.looks

    assert 0 < looks(200) <= 10 * looks(20)


def slow_upload(collector: Any, body: bytes, announced: int) -> bytes:
    """Send a part of a body and return the whole answer, which ends with the connection."""
    with socket.create_connection(("127.0.0.1", collector.port), timeout=60) as link:
        head = f"POST /v1/labels HTTP/1.1\r\nHost: x\r\nContent-Length: {announced}\r\n\r\n"
        link.sendall(head.encode() + body)
        return b"".join(iter(lambda: link.recv(4096), b""))


def test_a_body_that_does_not_arrive_in_time_is_refused_and_its_connection_closed(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    collector = start("collector", "--database", str(tmp_path / "db"), "--body-timeout", "100ms")
    answer = slow_upload(collector, b"[", 1000)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"the body did not arrive within 0.1 s; send it again" in answer


def test_a_request_too_many_is_asked_to_come_again(start: Callable[..., Any], tmp_path: Path) -> None:
    collector = start("collector", "--database", str(tmp_path / "db"), "--max-requests", "1")
    body = json.dumps([LABEL]).encode()
    with socket.create_connection(("127.0.0.1", collector.port), timeout=60) as link:
        head = f"POST /v1/labels HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        link.sendall(head.encode() + body[:1])

        def refused() -> httpx.Response | None:
            answer = httpx.post(f"{collector.url}/v1/labels", content=body, timeout=20)
            return answer if answer.status_code == 429 else None

        answer = until(refused)
        assert answer.headers["retry-after"] == "1"
        link.sendall(body[1:])
        assert link.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert httpx.post(f"{collector.url}/v1/labels", content=body, timeout=20).status_code == 200


def test_a_longer_body_than_the_option_says_is_refused(start: Callable[..., Any], tmp_path: Path) -> None:
    collector = start("collector", "--database", str(tmp_path / "db"), "--max-bytes", "100")
    answer = httpx.post(f"{collector.url}/v1/labels", json=[LABEL] * 3, timeout=20)
    assert (answer.status_code, "at most 100 are taken" in answer.text) == (413, True)
    pieces = (json.dumps([LABEL] * 3)[i : i + 10].encode() for i in range(0, 150, 10))
    answer = httpx.post(f"{collector.url}/v1/labels", content=pieces, timeout=20)
    assert (answer.status_code, "more than 100 bytes" in answer.text) == (413, True)


@pytest.mark.slow
def test_events_and_summary_need_a_token_and_health_and_metrics_do_not(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "tokens"
    file.write_text("first\nsecond\n")
    collector = start("collector", "--database", str(tmp_path / "db"), "--token-file", str(file))

    def status(path: str, token: str | None) -> int:
        headers = {} if token is None else {"Authorization": token}
        method, body = ("GET", None) if path == "summary" else ("POST", b"[]")
        address = f"{collector.url}/v1/{path}"
        return httpx.request(method, address, content=body, headers=headers, timeout=20).status_code

    for path in ("predictions", "labels", "summary"):
        tokens = (None, "Bearer wrong", "Basic first", "Bearer", "Bearer first", "bearer second")
        assert [status(path, token) for token in tokens] == [401, 401, 401, 401, 200, 200]
    assert httpx.post(f"{collector.url}/v1/labels").headers["www-authenticate"] == "Bearer"
    assert httpx.get(f"{collector.url}/health/ready").status_code == 200
    assert collector.metrics()['collector_requests_total{code="401",kind="labels"}'] == 5

    link = tmp_path / "new"  # as Kubernetes replaces a Secret
    link.write_text("third\n")
    os.replace(link, file)
    assert (status("labels", "Bearer third"), status("labels", "Bearer first")) == (200, 401)
    file.write_text("")
    assert status("labels", "Bearer third") == 200

    def logged() -> list[str]:  # a line arrives after the answer that it is about
        told = "token file cannot be read"
        return [line["reason"] for line in list(collector.logs) if line["event"].startswith(told)]

    assert until(logged) == ["it holds no token; write one a line"]
    assert not any("third" in json.dumps(line) for line in collector.logs)


def test_without_a_token_file_a_warning_says_that_the_port_is_open(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    collector = start("collector", "--database", str(tmp_path / "db"))
    warnings = [line["event"] for line in collector.logs if line.get("level") == "warning"]
    assert warnings == ["no --token-file: whoever reaches the port can send events, and so move traffic"]


@pytest.mark.slow
def test_metrics_have_a_port_of_their_own_if_told_to(start: Callable[..., Any], tmp_path: Path) -> None:
    collector = start("collector", "--database", str(tmp_path / "db"), "--metrics-port", "0")
    assert httpx.get(f"{collector.url}/metrics").status_code == 404
    (port,) = (line["port"] for line in collector.logs if line["event"] == "metrics")
    assert "model_reward_uncommitted" in httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert httpx.post(f"http://127.0.0.1:{port}/v1/labels", json=[LABEL]).status_code == 404
    assert collector.terminate() == 0


@pytest.mark.slow
def test_arm_and_replayer_send_the_token_of_their_file(
    start: Callable[..., Any], model_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("secret\n")
    secured = ("--token-file", str(file), "--drain-delay", "0s")
    collector = start("collector", "--database", str(tmp_path / "db"), *secured)
    named = ("--model", str(model_file), "--name", "income", "--arm", "logistic")
    arm = start("arm", *named, "--collector", collector.url, *secured)
    data = tmp_path / "rows.csv"
    data.write_text("age,hours,wage,target\n60,50,50,1\n")
    url = f"{arm.url}/v2/models/income/infer"
    command = ["replay", "--data", str(data), "--url", url, "--labels", collector.url, "--requests", "3"]
    assert CliRunner().invoke(main, [*command, "--token-file", str(file)]).exit_code == 0
    assert arm.terminate() == 0
    read = httpx.get(f"{collector.url}/v1/summary", headers={"Authorization": "Bearer secret"}, timeout=20)
    assert read.json()["routes"]["income"]["arms"]["logistic"]["trials"] == 3
