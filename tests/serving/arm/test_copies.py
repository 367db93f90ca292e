"""An arm sends copies of what it has answered to a shadow server, and never waits for it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving.conftest import DEADLINE, Server, until
from tests.serving.shadow.conftest import INFER, ROW, Begin, label, scored
from tests.serving.shadow.conftest import begin as begin
from tests.serving.shadow.conftest import collector as collector

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
