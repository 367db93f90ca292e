"""The command line runs a folder from beginning to end, and says what is wrong."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from bandit_operator.cli import main as operator
from bandit_study.cli import main


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BANDIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_is_run_and_reported_and_the_second_time_kept(
    here: Path, write_set: Callable[..., Path], rows_of: Callable[..., list[str]]
) -> None:
    write_set(sales="\n".join(rows_of()))
    command = ["run", "--quick", "--data", str(here), "--jobs", "1", "--seeds", "2", "--retrainings", "0"]
    found = CliRunner().invoke(main, command)
    assert found.exit_code == 0, found.output
    results = json.loads((here / "build/study/quick/results.json").read_text())
    assert [result["name"] for result in results] == ["sales"]
    assert "| sales | daily | 400 | 50.0% |" in (here / "build/study/quick/study.md").read_text()
    again = CliRunner().invoke(main, command)
    assert "sales: unchanged since an earlier run" in again.output
    assert CliRunner().invoke(main, ["report", "--quick"]).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["run"],
            "there is no data; run `bandit-operator experiment fetch` first, or name a folder by --data",
        ),
        (["run", "--data", "nowhere"], "INDEX.csv: cannot be read"),
        (["report"], "has no results; run `bandit-operator experiment run` first"),
        (["fetch", "other"], "other: there is no such set to fetch; take of"),
        (["world", "other"], "there is no such set"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(here: Path, arguments: list[str], message: str) -> None:  # noqa: ARG001 - the folder to be in
    found = CliRunner().invoke(main, arguments)
    assert found.exit_code == 1
    assert message in found.output
    assert "Traceback" not in found.output


def test_the_operators_command_hands_over_to_the_study() -> None:
    found = CliRunner().invoke(operator, ["experiment", "run", "--help"])
    assert found.exit_code == 0
    assert "bandit-operator experiment run" in found.output
    assert "--quick" in found.output


def test_without_the_extra_the_operators_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "bandit_study.cli", None)
    found = CliRunner().invoke(operator, ["experiment", "run"])
    assert found.exit_code == 1
    assert "bandit_study.cli is missing" in found.output
    assert "in a clone of the project: pip install '.[study]'" in found.output


def test_without_the_package_the_operators_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        sys.modules["bandit_operator.cli.experiment"], "COMMANDS", "bandit_operator.no_commands"
    )
    found = CliRunner().invoke(operator, ["experiment", "run"])
    assert found.exit_code == 1
    assert "in a clone of the project: pip install '.[study]'" in found.output
