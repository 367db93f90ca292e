"""What commands say of files that are no YAML, whichever command reads them: one line, and no traceback."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bandit_operator.cli import main

COMMANDS = {
    "lint": ("lint", "-f", "{}"),
    "simulate -f": ("simulate", "--rate", ".1", ".2", "--rps", "1", "-f", "{}"),
    "simulate --world": ("simulate", "--world", "{}"),
    "replay": ("replay", "{}"),
    "run": ("run", "--notify-config", "{}"),
}
CONTENTS = {
    "binary": b"\x89PNG\xff\x00",
    "nested": b"[" * 5000,
    "a long number": b"a: " + b"1" * 5000,
    "itself": b"&a [*a]",
    "twice": b"a: 1\na: 2",
    "broken": b"a: [",
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_every_command_names_the_file_and_what_is_wrong_with_it(
    tmp_path: Path, command: tuple[str, ...], content: bytes
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_bytes(content)
    found = CliRunner().invoke(main, [part.format(file) for part in command])
    assert found.exit_code in (1, 2)
    assert isinstance(found.exception, SystemExit)
    assert f"{file}: " in found.output


def in_a_shell(line: str) -> subprocess.CompletedProcess[str]:
    """Run a line in which ``bandit-operator`` is the command."""
    command = f"{shlex.quote(sys.executable)} -m bandit_operator"
    return subprocess.run(
        ["sh", "-c", line.replace("bandit-operator", command)], capture_output=True, text=True, check=False
    )


def test_standard_input_that_is_closed_is_told_in_one_line() -> None:
    found = in_a_shell("bandit-operator lint -f - <&-")
    assert (found.returncode, found.stderr) == (1, "")
    assert found.stdout.startswith("standard input: it is closed; name a file, or let it come from a pipe\n")


@pytest.mark.parametrize("arguments", ["completion bash", "--help", "lint --help"])
def test_a_disk_that_is_full_is_told_in_one_line(arguments: str) -> None:
    found = in_a_shell(f"bandit-operator {arguments} > /dev/full")
    assert found.returncode == 1
    assert found.stderr == "Error: standard output cannot be written: No space left on device\n"
