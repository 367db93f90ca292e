"""Terminals whose encoding is not UTF-8: what they cannot show is replaced, and there is no traceback."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from bandit_operator.cli import main
from bandit_operator.cli.output import written
from tests.support.command_line import runner
from tests.support.playing import learned
from tests.support.process import Process


@pytest.fixture(scope="module")
def played() -> Process:
    return asyncio.run(learned(Process))


@pytest.mark.parametrize("verb", ["status", "explain", "history"])
@pytest.mark.parametrize("encoding", ["iso8859-1", "cp1252", "ascii"])
def test_a_resource_is_shown_whatever_the_terminals_encoding(
    monkeypatch: pytest.MonkeyPatch, played: Process, encoding: str, verb: str
) -> None:
    runner(monkeypatch, played)
    result = CliRunner(charset=encoding).invoke(main, [verb, "income"])
    assert result.exception is None, repr(result.exception)
    assert "income" in result.output


def test_what_is_wrong_with_a_name_is_said_where_it_cannot_be_shown(tmp_path: Path) -> None:
    file = tmp_path / "income.yaml"
    file.write_text(
        "apiVersion: bandit-operator.dev/v1alpha1\nkind: BanditDeployment\n"
        "metadata: {name: income}\nspec: {baseline: żółw}\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "bandit_operator", "lint", "-f", str(file)]
    environment = {**os.environ, "PYTHONIOENCODING": "iso8859-1"}  # as LC_ALL=de_DE.ISO-8859-1 has it
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"")
    assert b'spec.baseline: "?\xf3?w"' in done.stdout


def test_yaml_for_programs_loses_nothing_where_it_cannot_be_written_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="iso8859-1"))
    text = written({"message": "10 → 90 %"}, "", "yaml")
    assert text.isascii()
    assert yaml.safe_load(text) == {"message": "10 → 90 %"}
