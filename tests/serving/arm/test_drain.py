"""An arm that is asked to end loses neither a request nor a prediction event."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving.conftest import until

pytestmark = pytest.mark.slow

ROW = {"name": "features", "shape": [1, 3], "datatype": "FP64", "data": [60, 50, 50]}
INFER = "/v2/models/income/infer"


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port that refuses connections, and that no other server gets by chance, until one listens at it."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


@pytest.fixture
def draining_arm(start: Callable[..., Any], model_file: Path, free_port: int) -> Callable[[str], Any]:
    """Start an arm whose collector is down, and ask it to end after a delay such as "3s"."""

    def begin(delay: str) -> Any:
        arm = start(
            *("arm", "--model", str(model_file), "--name", "income", "--arm", "logistic"),
            *("--collector", f"http://127.0.0.1:{free_port}", "--flush-timeout", "60s"),
            *("--drain-delay", delay),
        )
        arm.process.terminate()
        until(lambda: any(line.get("event") == "draining" for line in arm.logs))
        return arm

    return begin


async def answers(arm: Any, clients: int, requests: int) -> list[httpx.Response]:
    """Let several clients send some requests each, and return what they are answered."""

    async def client(number: int) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=arm.url, timeout=30) as http:
            return [
                await http.post(INFER, json={"id": f"{number}-{i}", "inputs": [ROW]}) for i in range(requests)
            ]

    return [answer for some in await asyncio.gather(*map(client, range(clients))) for answer in some]


def send_until_refused(arm: Any) -> int:
    """Send requests one by one until the arm takes no more, and return how many it answered."""
    answered = 0
    # A connection that the kernel took and the arm did not is reset, and its request is in no event.
    with httpx.Client(base_url=arm.url, timeout=30) as http, contextlib.suppress(httpx.TransportError):
        while True:
            answer = http.post(INFER, json={"id": str(answered), "inputs": [ROW]})
            assert answer.status_code == 200
            answered += 1
    return answered


def test_a_draining_arm_answers_every_request_and_says_that_it_is_not_ready(
    draining_arm: Callable[[str], Any],
) -> None:
    arm = draining_arm("10m")  # so that it drains for as long as the requests take
    found = asyncio.run(answers(arm, clients=4, requests=60))
    assert [answer.status_code for answer in found] == [200] * 240
    assert {answer.headers.get("connection") for answer in found} == {"close"}
    assert httpx.get(f"{arm.url}/v2/health/ready").status_code == 503


def test_an_arm_delivers_the_event_of_every_request_that_it_answers_while_it_drains(
    draining_arm: Callable[[str], Any], start: Callable[..., Any], free_port: int, tmp_path: Path
) -> None:
    arm = draining_arm("3s")
    answered = send_until_refused(arm)
    assert answered > 0
    collector = start("collector", "--database", str(tmp_path / "rewards.db"), port=free_port)
    assert arm.process.wait(60) == 0
    assert collector.get("/v1/summary")["routes"]["income"]["arms"]["logistic"]["predictions"] == answered


def test_events_that_cannot_be_delivered_are_said_to_be_lost(
    start: Callable[..., Any], model_file: Path, free_port: int
) -> None:
    arm = start(
        *("arm", "--model", str(model_file), "--name", "income", "--arm", "logistic"),
        *("--collector", f"http://127.0.0.1:{free_port}", "--flush-timeout", "200ms"),
        *("--drain-delay", "0s"),
    )
    assert httpx.post(arm.url + "/v2/models/income/infer", json={"inputs": [ROW]}).status_code == 200
    assert arm.terminate() == 0
    lost = until(lambda: [line for line in list(arm.logs) if line["event"] == "prediction events lost"])
    assert [line["events"] for line in lost] == [1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_a_draining_arm_at_once_and_says_what_is_lost(
    draining_arm: Callable[[str], Any], number: signal.Signals
) -> None:
    arm = draining_arm("10m")
    assert httpx.post(arm.url + INFER, json={"inputs": [ROW]}).status_code == 200
    assert arm.insist(number) == 128 + number
    assert any(line["event"].startswith("ended at once") for line in arm.logs)
    assert [line["events"] for line in arm.logs if line["event"] == "prediction events lost"] == [1]


def test_a_second_signal_ends_an_arm_that_still_delivers_its_events(
    start: Callable[..., Any], model_file: Path, free_port: int
) -> None:
    arm = start(
        *("arm", "--model", str(model_file), "--name", "income", "--arm", "logistic"),
        *("--collector", f"http://127.0.0.1:{free_port}", "--flush-timeout", "10m"),
        *("--drain-delay", "0s"),
    )
    assert httpx.post(arm.url + INFER, json={"inputs": [ROW]}).status_code == 200
    arm.process.terminate()
    until(lambda: any(line["event"] == "draining" for line in arm.logs))
    until(lambda: not_listening(arm))
    assert arm.insist(signal.SIGTERM) == 128 + signal.SIGTERM


def test_the_same_signal_of_two_senders_is_one(start: Callable[..., Any], model_file: Path) -> None:
    arm = start(
        *("arm", "--model", str(model_file), "--name", "income", "--arm", "logistic"),
        *("--drain-delay", "300ms"),
    )
    for _ in range(2):
        arm.process.terminate()
    assert arm.process.wait(60) == 0


def not_listening(arm: Any) -> bool:
    """Return whether an arm takes no more connections."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", arm.port)) != 0
