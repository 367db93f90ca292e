"""SIGKILL at any moment: no reward is counted twice, and what is lost is what was under way."""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving.conftest import DEADLINE, Server, until
from tests.serving.shadow.conftest import (
    INFER,
    Asked,
    Begin,
    Make,
    calls,
    delivered,
    dropped,
    predicting,
    scored,
)

COPIES = 1500
KILLS = 6
IN_FLIGHT, QUEUE = 8, 20
WAITING = 50  # predictions of an arm that the collector has not acknowledged when the shadow is killed
ARMS = ("a", "b")


def answer_of(arm: str, request_id: str) -> int:
    """Return what an arm predicts for a request: always the same, and not always the same as the other."""
    return random.Random(arm + request_id).randrange(2)


def truth_of(request_id: str) -> int:
    return random.Random(request_id).randrange(2)


class Client:
    """Sends copies and labels in an order of its own, each until it is taken."""

    def __init__(self, shadow: Server, collector: Server) -> None:
        self.shadow_url, self.collector_url = shadow.url, collector.url
        self.sent = 0
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        rng = random.Random(3)
        waiting: list[str] = []
        with httpx.Client(timeout=5) as http:
            for i in range(COPIES):
                name = f"request-{i}"
                self._until_taken(http, self.shadow_url + INFER, {"id": name})
                waiting.append(name)
                if rng.random() < 0.5:
                    self._label(http, waiting.pop(rng.randrange(len(waiting))))
                self.sent += 1
            for name in waiting:
                self._label(http, name)

    def _label(self, http: httpx.Client, name: str) -> None:
        event = {"id": name, "route": "income", "label": truth_of(name)}
        self._until_taken(http, f"{self.collector_url}/v1/labels", [event])

    def _until_taken(self, http: httpx.Client, url: str, body: Any) -> None:
        """Send until it is taken; what was taken without its answer comes a second time, as retries do."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            with contextlib.suppress(httpx.TransportError):
                if http.post(url, json=body).is_success:
                    return
            time.sleep(0.005)
        raise AssertionError("not taken in time")

    def until_sent(self, copies: int) -> None:
        """Wait until so many copies were sent."""
        until(lambda: self.sent >= copies)

    def wait(self) -> None:
        """Wait until everything was sent."""
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive()


@pytest.mark.slow
def test_kills_of_shadow_and_collector_double_no_reward_and_lose_no_more_than_was_under_way(
    start: Callable[..., Server], begin: Begin, collector: Server, model: Make, tmp_path: Path
) -> None:
    def arm(name: str) -> Callable[[Asked], dict[str, object]]:
        return lambda asked: predicting(answer_of(name, json.loads(asked.body)["id"]))

    arms = {name: model(arm(name)) for name in ARMS}
    limits = ("--in-flight", str(IN_FLIGHT), "--queue", str(QUEUE), "--buffer", str(COPIES))
    shadow = begin(arms, *limits)
    client = Client(shadow, collector)
    rng = random.Random(11)
    killed = 0

    def pending() -> float:
        metrics = shadow.metrics()
        return max(metrics.get(f'shadow_predictions_pending{{arm="{name}"}}', 0) for name in ARMS)

    for kill in range(KILLS):
        client.until_sent((kill + 1) * COPIES // (KILLS + 1))
        if kill % 2:
            time.sleep(rng.random() * 0.02)  # at any moment: nothing is awaited by it
            collector.kill()
            collector = start("collector", "--database", str(tmp_path / "rewards.db"), port=collector.port)
        else:
            killed += 1
            until(lambda: pending() < WAITING // 2)
            time.sleep(rng.random() * 0.02)
            shadow.kill()
            shadow = begin(arms, *limits, port=shadow.port)
    client.wait()

    def quiet() -> bool:
        metrics = shadow.metrics()
        done = sum(calls(shadow).values()) / len(ARMS) + dropped(shadow, "queue_full")
        return metrics["shadow_copies_total"] == done and pending() == 0

    until(quiet)
    assert all(delivered(shadow, name) for name in ARMS)
    assert collector.terminate() == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "rewards.db")) as db:
        rows = db.execute("SELECT id, arm FROM shadows").fetchall()
    again = start("collector", "--database", str(tmp_path / "rewards.db"))
    for name in ARMS:
        ids = [request_id for request_id, one in rows if one == name]
        assert scored(again, name, "predictions") == scored(again, name) == len(set(ids)) == len(ids)
        assert scored(again, name, "successes") == sum(answer_of(name, i) == truth_of(i) for i in ids)
        assert COPIES - len(ids) <= killed * (IN_FLIGHT + QUEUE + WAITING)
    both = {i for i, one in rows if one == "a"} & {i for i, one in rows if one == "b"}
    pair = 'model_reward_shadow_pair_trials_total{pair="a/b",route="income"}'
    assert again.metrics()[pair] == len(both)
