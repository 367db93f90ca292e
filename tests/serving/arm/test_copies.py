"""An arm sends copies of what it has answered to a shadow server, and never waits for it."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from bandit_serving.arm.copies import MOST_BYTES, Copies
from tests.serving.conftest import DEADLINE, Server, until
from tests.serving.shadow.conftest import INFER, ROW, Begin, Make, label, scored
from tests.serving.shadow.conftest import begin as begin
from tests.serving.shadow.conftest import collector as collector
from tests.serving.shadow.conftest import model as model

pytestmark = pytest.mark.slow


def asked(arm: Server, request_id: str, **more: Any) -> httpx.Response:
    body = {"id": request_id, "inputs": [ROW]}
    return httpx.post(arm.url + INFER, json=body, timeout=DEADLINE, **more)


def copies(arm: Server, result: str) -> float:
    name = f'model_shadow_copies_total{{arm="logistic",model="income",result="{result}"}}'
    return arm.metrics().get(name, 0.0)


Serve = Callable[..., Server]


@pytest.fixture
def serve(start: Callable[..., Server], model_file: Path) -> Serve:
    """Start an arm that sends copies to a URL."""

    def arm(shadow: str, *more: str) -> Server:
        return start(
            *("arm", "--model", str(model_file), "--name", "income", "--arm", "logistic"),
            *("--shadow", shadow, "--drain-delay", "0s", *more),
        )

    return arm


def test_what_users_ask_of_an_arm_is_scored_by_all_arms(
    serve: Serve, start: Callable[..., Server], begin: Begin, collector: Server, model_file: Path
) -> None:
    other = start(
        *("arm", "--model", str(model_file), "--name", "income", "--arm", "other", "--drain-delay", "0s")
    )
    shadow = begin({"logistic": other.url, "other": other.url})
    arm = serve(shadow.url)
    for i in range(10):
        assert asked(arm, f"row-{i}").status_code == 200
        label(collector, f"row-{i}")
    until(lambda: scored(collector, "logistic") == scored(collector, "other") == 10)
    assert copies(arm, "sent") == 10


def test_an_answer_does_not_wait_for_a_shadow_server_that_is_not_there(serve: Serve) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens: every connection is refused
        arm = serve(f"http://127.0.0.1:{taken.getsockname()[1]}")
        for i in range(5):
            assert asked(arm, f"row-{i}").status_code == 200
        until(lambda: copies(arm, "failed") == 5)


def test_a_copy_is_not_copied_again(serve: Serve) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        arm = serve(f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert asked(arm, "copy", headers={"X-Bandit-Shadow": "true"}).status_code == 200
        assert asked(arm, "served").status_code == 200
        until(lambda: copies(arm, "failed") == 1)


def test_what_is_no_request_of_the_protocol_is_not_copied(serve: Serve) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        arm = serve(f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert httpx.post(arm.url + INFER, content=b"{", timeout=DEADLINE).status_code == 400
        assert asked(arm, "served").status_code == 200
        until(lambda: copies(arm, "failed") == 1)


def test_a_copy_has_the_headers_that_the_user_sent_and_no_others(serve: Serve, model: Make) -> None:
    shadow = model({})
    arm = serve(shadow.url)
    body = json.dumps({"id": "1", "inputs": [ROW]}).encode()
    connection = http.client.HTTPConnection("127.0.0.1", arm.port, timeout=DEADLINE)
    connection.putrequest("POST", f"{INFER}?a=%2Fb")
    for name, value in (("Content-Length", str(len(body))), ("X-Tag", "one"), ("X-Tag", "two")):
        connection.putheader(name, value)
    connection.endheaders(body)
    assert connection.getresponse().status == 200
    connection.close()
    until(lambda: copies(arm, "sent") == 1)
    (copied,) = shadow.asked
    named = [
        (name, value) for name, value in copied.headers.items() if name in ("Content-Type", "User-Agent")
    ]
    assert (copied.target, copied.body, named) == (f"{INFER}?a=%2Fb", body, [])
    assert copied.tags == ["one", "two"]


async def test_copies_that_wait_hold_no_more_than_so_many_bytes() -> None:
    copies = Copies("http://127.0.0.1:9", {"arm": "a"})
    scope = {"type": "http", "method": "POST", "raw_path": b"/x", "query_string": b"", "headers": []}
    half = b"x" * (MOST_BYTES // 2)
    for body in (half, half, b"x"):
        copies.offer(Request(scope), body)
    (family,) = copies.collect()
    assert {sample.labels["result"]: sample.value for sample in family.samples}["dropped"] == 1
