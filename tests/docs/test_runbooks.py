"""docs/runbooks.md has one section for each alert and each reason, and what it tells to type is accepted."""

from __future__ import annotations

import asyncio
import inspect
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from bandit_operator.cli import main
from bandit_operator.cli.acting import ACTING
from bandit_operator.core import reasons
from monitoring.alerts import ALERTS, RUNBOOKS
from tests.support.command_line import runner
from tests.support.playing import learned
from tests.support.process import Process

PAGE = Path("docs/runbooks.md").read_text(encoding="utf-8")
GROUPS = {
    group.splitlines()[0]: re.findall(r"^### (\w+)$", group, flags=re.MULTILINE)
    for group in PAGE.split("\n## ")[1:]
}
SECTIONS = dict(re.findall(r"^### (\w+)\n\n(.+)$", PAGE, flags=re.MULTILINE))
COMMANDS = sorted(
    {text for text in re.findall(r"`([^`]+)`", PAGE) if re.match(r"(kubectl|bandit-operator) ", text)}
)
OURS = [text.removeprefix("kubectl bandit ") for text in COMMANDS if text.startswith("kubectl bandit ")]
VERBS = {"auth", "describe", "events", "get", "logs", "rollout", "scale", "top"}
KINDS = {
    "bd",
    "deployment",
    "deployment/boosting",
    "endpointslices",
    "gateway",
    "gatewayclass",
    "gateways",
    "grpcroute",
    "httproute",
    "lease",
    "pod",
    "pods",
    "service",
}

BEFORE: dict[str, Callable[[Process], None]] = {
    "restore": lambda one: one.set_state("boosting", "Out"),
    "resume": lambda one: one.update_spec(mode="Paused"),
    "unpin": lambda one: one.update_spec(pin={"arm": "boosting"}),
}
"""What has happened where a verb is typed that undoes it."""


def grouped() -> dict[str, list[str]]:
    """The reasons of core/reasons.py under the headings of that file."""
    found: dict[str, list[str]] = {}
    for line in inspect.getsource(reasons).splitlines():
        if heading := re.match(r"# -+ (.*?) -+$", line):
            title = heading[1].capitalize()
        elif constant := re.match(r'[A-Z_]+: Final = "(\w+)"$', line):
            found.setdefault(title, []).append(constant[1])
    return found


def test_every_alert_and_every_reason_has_one_section_under_the_heading_of_its_file() -> None:
    known = {value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)}
    assert set().union(*grouped().values()) == known
    assert {"Alerts": [alert.name for alert in ALERTS], **grouped()} == GROUPS


def test_the_address_that_an_alert_names_is_a_section() -> None:
    anchors = [name.lower() for names in GROUPS.values() for name in names]
    assert len(set(anchors)) == len(anchors)
    for alert in ALERTS:
        page, anchor = alert.rule()["annotations"]["runbook_url"].split("#")
        assert page == RUNBOOKS
        assert anchor in anchors


@pytest.mark.parametrize("name", [name for names in GROUPS.values() for name in names])
def test_a_section_says_where_to_look_what_to_do_and_when_it_ends(name: str) -> None:
    meaning, look, rest = re.split(r" Look: | Do: ", SECTIONS[name])
    assert meaning.endswith(".")
    assert re.search(r"`kubectl [^`]+`", look)
    assert re.fullmatch(r".+ Ends: .+\.", rest)


def test_a_section_that_sends_the_reader_on_names_one_that_is_there() -> None:
    named = {
        name
        for text in SECTIONS.values()
        for part in re.findall(r"[Aa]s (?:under )?((?:[A-Z]\w+(?:, | or )?)+)", text)
        for name in re.split(", | or ", part)
    }
    assert "WeightsContested" in named
    assert named <= set(SECTIONS)


@pytest.mark.parametrize("text", OURS)
def test_a_command_of_ours_works(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one = asyncio.run(learned(Process, arms=("logistic", "boosting")))
    words = shlex.split(text)
    if words[0] in BEFORE:
        BEFORE[words[0]](one)
    if words[:3] == ["promote", "income", "logistic"]:
        one.update_spec(baseline="boosting")
    asyncio.run(one.look())
    run = runner(monkeypatch, one)[0]
    changes = ["--dry-run"] if words[0] in ACTING else []
    result = run(*words, *changes)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("text", [text for text in COMMANDS if not text.startswith("kubectl bandit ")])
def test_any_other_command_is_about_what_is_there(text: str) -> None:
    program, verb, *words = shlex.split(text)
    if program == "bandit-operator":
        assert verb in main.summaries
        assert all(Path(word).exists() for word in words if word.endswith(".yaml"))
        return
    assert verb in VERBS
    if verb in ("describe", "get", "top"):
        assert words[0] in KINDS
    if verb == "logs":
        assert words == ["-n", "bandit-system", "deploy/bandit-operator"]


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert links
    assert [link for link in links if not (Path("docs") / link).exists()] == []
