"""The model server of the arms, and what it does when it is told to misbehave."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.chaos.served_model import Behaviour, Server

Make = Callable[..., Server]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    def make(requests: int = 100, **told: Any) -> Server:
        one = Server("income", "bad")
        one.file = tmp_path / "income.bad.json"
        one.behaviour = Behaviour(**told)
        monkeypatch.setattr("random.random", lambda: 0.3)
        for _ in range(requests):
            one.answer("/income/")
        return one

    return make


def numbers(one: Server) -> list[str]:
    """Trials and successes as /metrics has them."""
    return re.findall(r"^model_\w+\{.*?\} (.*)$", one.answer("/metrics")[1], re.MULTILINE)


def test_each_request_is_a_trial_and_a_probe_is_none(made: Make) -> None:
    one = made(mean=0.5)
    assert one.answer("/income/probe") == (200, "bad")
    assert numbers(one) == ["100", "100"]


def test_what_it_is_told_is_read_when_it_changes(made: Make) -> None:
    one = made(0)
    one.file.write_text('{"ready": false, "mean": 0.1}')
    assert one.answer("/") == (503, "not ready")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"mean": 0.1}, ["100", "0"]),
        ({"more": (50_000.0, 500.0)}, ["50100", "600"]),
        ({"rewards_a_trial": 2.5}, ["100", "250"]),
        ({"text": "NaN"}, ["100", "NaN"]),
    ],
    ids=str,
)
def test_its_numbers_can_be_wrong(made: Make, told: dict[str, Any], expected: list[str]) -> None:
    assert numbers(made(**{"mean": 0.5, **told})) == expected


def test_of_several_workers_a_scrape_meets_one(made: Make) -> None:
    one = made(301, workers=3)  # of which no three can have as many each
    seen = {float(numbers(one)[0]) for _ in range(60)}
    assert len(seen) > 1
    assert max(seen) < 301
    assert one.total()[0] == 301


def test_late_samples_have_the_time_that_they_are_of(made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    one = made(0, late=10.0)
    one.past.extend([(1000.0, 5.0, 2.0), (1005.0, 9.0, 4.0), (1014.0, 20.0, 8.0)])
    monkeypatch.setattr("time.time", lambda: 1015.0)
    assert numbers(one) == ["9 1005000", "4 1005000"]
