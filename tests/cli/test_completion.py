"""What the Tab key gives, in the shells and in kubectl."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from bandit_operator.adapters.kubeconfig import ClusterFault
from bandit_operator.cli import main, names
from bandit_operator.cli.acting import ACTING
from bandit_operator.cli.completion import KEPT, SHELLS, for_kubectl
from bandit_operator.cli.showing import SHOWING
from tests.support.command_line import FakeKubeconfig, Run, runner
from tests.support.playing import learned
from tests.support.process import Process

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def played() -> Process:
    return asyncio.run(learned(Process, arms=("logistic", "boosting", "boosted")))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, played: Process) -> list[tuple[Any, ...]]:
    """A cluster with one rollout, and how it was asked for."""
    calls: list[tuple[Any, ...]] = []

    def connect(*arguments: Any) -> FakeKubeconfig:
        calls.append(arguments)
        return FakeKubeconfig(played)

    monkeypatch.setattr(names, "Kubeconfig", connect)
    return calls


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, played: Process) -> Run:
    return runner(monkeypatch, played)[0]


def offered(*words: str) -> list[str]:
    """What is offered for the last word, without explanations."""
    *lines, directive = for_kubectl(main, words).splitlines()
    assert directive == ":4"
    return [line.partition("\t")[0] for line in lines]


def test_verbs_are_offered_with_what_they_do() -> None:
    assert offered("ro") == ["rollback"]
    (line, _) = for_kubectl(main, ["ro"]).splitlines()
    assert line.startswith("rollback\tTake an arm out by hand")
    assert {"status", "pin", "completion", "lint"} <= set(offered(""))
    assert set(offered()) == set(offered(""))


@pytest.mark.usefixtures("asked")
def test_names_and_arms_come_from_the_cluster(played: Process) -> None:
    assert offered("status", "") == [played.name]
    assert offered("status", "no-such") == []
    assert offered("pin", played.name, "boost") == ["boosted", "boosting"]
    assert offered("pin", "no-such", "") == []


def test_the_cluster_is_the_one_that_the_options_name(asked: list[tuple[Any, ...]], played: Process) -> None:
    assert offered("status", "--kubeconfig", "file", "--context", "there", "") == [played.name]
    assert asked == [("file", "there")]
    assert offered("status", "-n", "elsewhere", "") == []


def test_options_are_offered_without_asking_the_cluster(asked: list[tuple[Any, ...]]) -> None:
    assert {"--reason", "--dry-run"} <= set(offered("pin", "--"))
    assert offered("status", "-o", "y") == ["yaml"]
    assert not asked


def test_files_are_left_to_the_shell() -> None:
    assert for_kubectl(main, ["lint", "-f", ""]) == ":0"


def refusing(*_: Any) -> None:
    raise ClusterFault("the API server refused: no")


def failing(*_: Any) -> None:
    raise RuntimeError("something that nobody thought of")


@pytest.mark.parametrize("connect", [refusing, failing])
def test_a_cluster_that_fails_offers_nothing_and_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], connect: Callable[..., None]
) -> None:
    monkeypatch.setattr(names, "Kubeconfig", connect)
    assert offered("status", "") == []
    assert capfd.readouterr() == ("", "")


def test_a_cluster_that_is_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    end = threading.Event()
    monkeypatch.setattr(names, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(names, "Kubeconfig", lambda *_: end.wait())
    try:
        assert offered("status", "") == []
    finally:
        end.set()


def test_no_more_is_offered_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    class Many:
        namespace = "models"

        def list(self, *_: Any) -> list[dict[str, Any]]:
            return [{"metadata": {"name": f"model-{number:04}"}} for number in range(5000)]

    monkeypatch.setattr(names, "Kubeconfig", lambda *_: Many())
    assert offered("status", "model-")[:2] == ["model-0000", "model-0001"]
    assert len(offered("status", "model-")) == names.MOST


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_says_how_to_keep_it_and_defines_what_completes(run: Run, shell: str) -> None:
    said = run("completion", shell).output
    assert KEPT[shell] in said
    assert f"_BANDIT_OPERATOR_COMPLETE={shell}_complete" in said


def test_bash_takes_the_script_and_completes_by_it() -> None:
    bash = shutil.which("bash")
    assert bash is not None
    lines = (
        "source <(bandit-operator completion bash)",
        "COMP_WORDS=(bandit-operator roll); COMP_CWORD=1",
        "_bandit_operator_completion bandit-operator; echo ${COMPREPLY[@]}",
    )
    assert typed([bash, "-c", "\n".join(lines)]) == "rollback\n"


def test_kubectl_finds_what_completes_the_plugin() -> None:
    said = typed([str(BIN / "kubectl_complete-bandit"), "roll"])
    assert said.startswith("rollback\t")
    assert said.endswith("\n:4\n")


def typed(command: list[str]) -> str:
    """What a command prints with the project's programs on the PATH; nothing may be complained of."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("verb", main.summaries)
def test_a_verb_is_offered_with_the_first_sentence_of_its_help(verb: str) -> None:
    command = main.get_command(click.Context(main), verb)
    assert command is not None
    assert command.name == verb
    assert command.get_short_help_str(limit=1000) == main.summaries[verb]


@pytest.mark.parametrize("words", ["''", "roll", "--help"])
def test_verbs_are_offered_and_listed_without_importing_what_they_need(words: str) -> None:
    heavy = "{'kopf', 'kubernetes', 'numpy', 'pydantic', 'scipy'}"
    program = (
        "import sys; from bandit_operator.cli import complete, main\n"
        f"sys.argv = ['', {words!r}.strip(chr(39))]\n"
        "complete() if sys.argv[1] != '--help' else main(['--help'], standalone_mode=False)\n"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    assert typed([sys.executable, "-c", program]).endswith("\n[]\n")


HEAVY = {"aiohttp", "numpy", "pandas", "scipy"}
"""What no command needs before it is typed whole."""


@pytest.mark.parametrize("verb", sorted({**ACTING, **SHOWING}))
def test_names_of_resources_are_completed_without_the_imports_of_the_operator(verb: str) -> None:
    script = (
        "import sys\n"
        "from bandit_operator.cli import main\n"
        "from bandit_operator.cli.completion import for_kubectl\n"
        "for_kubectl(main, [sys.argv[1], ''])\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    environment = {**os.environ, "KUBECONFIG": os.devnull}
    done = subprocess.run(
        [sys.executable, "-c", script, verb],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "kubernetes" in done.stdout.split()  # the cluster was to be asked
    assert not HEAVY & set(done.stdout.split())
