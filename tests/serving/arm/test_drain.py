"""An arm that is asked to end loses neither a request nor a prediction event."""

import asyncio
import collections
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

ROW = {"name": "features", "shape": [1, 3], "datatype": "FP64", "data": [60, 50, 50]}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def send_while_it_drains(arm: Any, clients: int) -> collections.Counter[str]:
    """Ask the arm to end while several clients send, and count what they are answered."""
    outcomes: collections.Counter[str] = collections.Counter()

    async def client(number: int) -> None:
        async with httpx.AsyncClient(base_url=arm.url, timeout=20) as http:
            for i in range(60):
                body = {"id": f"{number}-{i}", "inputs": [ROW]}
                answer = await http.post("/v2/models/income/infer", json=body)
                outcomes[str(answer.status_code)] += 1
                outcomes["asked to close"] += answer.headers.get("connection") == "close"
            if number == 0:
                outcomes["ready"] = (await http.get("/v2/health/ready")).status_code

    tasks = [asyncio.create_task(client(number)) for number in range(clients)]
    await asyncio.sleep(0)
    arm.process.terminate()
    await asyncio.gather(*tasks)
    return outcomes


def test_a_draining_arm_answers_every_request_and_delivers_every_event(
    start: Callable[..., Any], model_file: Path, tmp_path: Path
) -> None:
    port = free_port()  # of a collector that is down until the arm is about to end
    arm = start(
        *("arm", "--model", str(model_file), "--name", "income", "--arm", "logistic"),
        *("--collector", f"http://127.0.0.1:{port}", "--drain-delay", "3s"),
    )
    outcomes = asyncio.run(send_while_it_drains(arm, clients=4))
    assert outcomes["200"] == 240
    assert outcomes["asked to close"] > 0
    assert outcomes["ready"] == 503
    collector = start("collector", "--database", str(tmp_path / "rewards.db"), port=port)
    assert arm.process.wait(30) == 0
    assert collector.get("/v1/summary")["routes"]["income"]["arms"]["logistic"]["predictions"] == 240


def test_events_that_cannot_be_delivered_are_said_to_be_lost(
    start: Callable[..., Any], model_file: Path
) -> None:
    arm = start(
        *("arm", "--model", str(model_file), "--name", "income", "--arm", "logistic"),
        *(
            "--collector",
            f"http://127.0.0.1:{free_port()}",
            "--drain-delay",
            "0s",
            "--flush-timeout",
            "200ms",
        ),
    )
    assert httpx.post(arm.url + "/v2/models/income/infer", json={"inputs": [ROW]}).status_code == 200
    assert arm.terminate() == 0
    assert [line["events"] for line in arm.logs if line["event"] == "prediction events lost"] == [1]
