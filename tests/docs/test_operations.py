"""What docs/operations.md tells to type does what it says; tests/e2e/test_verbs.py types the rest."""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path

import pytest

from bandit_operator.api import crd
from bandit_operator.cli import main
from tests.support.command_line import Run, runner
from tests.support.playing import learned
from tests.support.process import Process

PAGE = Path("docs/operations.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)
COMMANDS = [shlex.split(line) for block in BLOCKS for line in block.strip().splitlines()]
OURS = [words[2:] for words in COMMANDS if words[:2] == ["kubectl", "bandit"]]
OURS += [words[1:] for words in COMMANDS if words[0] == "bandit-operator"]
STATES = {"rollback": ("boosting", "Draining"), "restore": ("boosting", "Joining")}


@pytest.fixture
def one() -> Process:
    """The rollout of the page."""
    return asyncio.run(learned(Process, arms=("logistic", "boosting")))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, one: Process) -> Run:
    return runner(monkeypatch, one)[0]


def test_the_page_shows_every_verb_that_works_on_a_resource() -> None:
    shown = {words[0] for words in OURS}
    assert set(main.summaries) - shown == {"experiment", "run", "simulate"}


def test_its_commands_work_one_after_the_other(run: Run, one: Process) -> None:
    for words in OURS:
        result = run(*words)
        assert result.exit_code == 0, (words, result.output)
        asyncio.run(one.look())
        asyncio.run(one.look())
        if words[0] in STATES:
            arm, state = STATES[words[0]]
            assert one.arm(arm)["state"] == state, words
        if words[0] == "pin":
            assert one.weights() == {"logistic": 10000, "boosting": 0}
        asyncio.run(one.tick())
    assert one.api.objects[one.path]["spec"]["baseline"] == "boosting"


def test_every_field_of_the_table_is_one_of_the_resource() -> None:
    text = str(crd.crd())
    rows = re.findall(r"^\| `[a-z]+`.*\| (.*) \|$", PAGE, flags=re.MULTILINE)
    fields = {
        name for row in rows for path in re.findall(r"spec\.([\w.\[\]]+)", row) for name in path.split(".")
    }
    assert fields >= {"pin", "baseline", "mode", "state"}
    assert all(f"'{field.removesuffix('[]')}'" in text for field in fields)


def test_the_manifests_that_its_commands_name_are_there() -> None:
    assert all(Path(word).exists() for words in COMMANDS for word in words if word.endswith(".yaml"))
