"""Resources that nobody meant so: texts that are commands to a terminal, and specs that cannot be read."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest

from bandit_operator.adapters.kubeconfig import ClusterFault
from tests.support.command_line import runner
from tests.support.playing import WORSE, learned, until_state
from tests.support.process import Process


@pytest.fixture(scope="module")
def played() -> Process:
    """A rollout in which an arm was taken out."""

    async def play() -> Process:
        one = await learned(Process, rollback={"drain": "20s", "retryAfter": "0s"})
        one.earning = WORSE
        await until_state(one, "bad", "RolledBack")
        return one

    return asyncio.run(play())


EVIL = "\x1b]0;owned\x07\x1b[2J"


@pytest.mark.parametrize(
    "command",
    [
        ("status", "income"),
        ("status",),
        ("explain", "income"),
        ("history", "income"),
        ("history", "income", "-o", "json"),
        ("status", "income", "-o", "yaml"),
    ],
    ids=" ".join,
)
def test_texts_that_others_wrote_are_no_commands_to_the_terminal(
    monkeypatch: pytest.MonkeyPatch, played: Process, command: tuple[str, ...]
) -> None:
    body = copy.deepcopy({**played.api.objects[played.path], "status": played.status})
    for told in (*body["status"]["conditions"], *body["status"]["acts"], *body["status"]["history"]):
        told["message"] = EVIL
    for act in body["status"]["acts"]:
        act["by"] = EVIL
    body["status"] |= {"leader": EVIL, "phase": "Learning"}
    monkeypatch.setitem(played.api.objects, played.path, body)
    result = runner(monkeypatch, played)[0](*command)
    assert result.exit_code == 0, result.output
    assert "owned" in result.output
    assert "\x1b" not in result.output
    assert "\x07" not in result.output


def test_what_the_api_server_refuses_with_is_no_command_to_the_terminal(
    monkeypatch: pytest.MonkeyPatch, played: Process
) -> None:
    run, config = runner(monkeypatch, played)

    def refused(*_: Any) -> Any:
        raise ClusterFault(f"the API server refused: {EVIL}")

    monkeypatch.setattr(config, "get", refused)
    result = run("status", "income")
    assert (result.exit_code, result.output) == (1, "Error: the API server refused: �]0;owned��[2J\n")


UNREADABLE: list[Any] = [
    {"interval": "30"},
    {"interval": 30},
    {"baseline": 3},
    {"baseline": None},
    {"arms": None},
    {"arms": "all"},
    {"arms": [3, {"name": 4}, {}]},
    {"pin": "good"},
    {"pin": {"arm": 3}},
]


@pytest.mark.parametrize("change", [*UNREADABLE, None, 3, []], ids=str)
def test_a_spec_that_cannot_be_read_hides_neither_its_resource_nor_the_others(
    monkeypatch: pytest.MonkeyPatch, played: Process, change: Any
) -> None:
    body = copy.deepcopy(played.api.objects[played.path])
    odd = copy.deepcopy(body)
    odd["metadata"]["name"] = "odd"
    odd["spec"] = {**body["spec"], **change} if isinstance(change, dict) else change
    monkeypatch.setitem(played.api.objects, played.path.replace("income", "odd"), odd)
    run = runner(monkeypatch, played)[0]
    listed = run("status")
    assert listed.exit_code == 0, listed.output
    assert {line.split()[1] for line in listed.output.splitlines()} == {"NAME", "income", "odd"}
    for verb in ("status", "explain", "history"):
        shown = run(verb, "odd")
        assert shown.exit_code == 0, shown.output
        assert "good" in shown.output


FIGURES: list[tuple[Any, ...]] = [
    ("arms", 0, "trials"),
    ("arms", 0, "mean"),
    ("arms", 0, "interval", "lower"),
    ("arms", 0, "probabilityBest"),
    ("arms", 1, "evidence"),
    ("arms", 1, "threshold"),
    ("arms", 1, "shadow"),
    ("scoresTrust",),
    ("history", 0, "time"),
    ("history", 0, "observations", "good", "trials"),
    ("history", 0, "observations", "good", "rewards"),
    ("lookedAt",),
    ("acts", 0, "time"),
]


@pytest.mark.parametrize("odd", ["much", "nan", "1e999", "-3", ""])
@pytest.mark.parametrize("place", FIGURES, ids=str)
def test_a_figure_of_the_status_that_is_no_number_ends_no_command_in_a_traceback(
    monkeypatch: pytest.MonkeyPatch, played: Process, place: tuple[Any, ...], odd: str
) -> None:
    body = copy.deepcopy({**played.api.objects[played.path], "status": played.status})
    at: Any = body["status"]
    for step in place[:-1]:
        at = at[step]
    shadow = dict.fromkeys(("trials", "mean", "difference", "low", "high", "evidence"), odd)
    at[place[-1]] = shadow if place[-1] == "shadow" else odd
    if place[-1] == "shadow":
        at["state"] = "Shadowing"  # in which the shadow's figures are shown
    monkeypatch.setitem(played.api.objects, played.path, body)
    run = runner(monkeypatch, played)[0]
    for verb in (
        *(("status", "income"), ("status",), ("explain", "income"), ("history", "income")),
        *(("explain", "income", "--tick", "2099-01-31T03:00:00Z"), ("replay", "income")),
        ("plan", "income", "--hours", "0.01", "--seeds", "1"),
    ):
        result = run(*verb)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "good" in run("status", "income").output
