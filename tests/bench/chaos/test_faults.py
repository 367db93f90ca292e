"""The registry of faults, and the command line."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.chaos import __main__ as command
from bench.chaos.fault import Fault
from bench.chaos.faults import FAULTS
from bench.chaos.play import Row
from cluster.client import ClusterError

NAMES = [fault.name for fault in FAULTS]


def test_names_can_be_those_of_objects_and_none_begins_another() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert all(name == name.lower() and len(name) <= 40 for name in NAMES)
    longer = [(one, two) for one, two in itertools.permutations(NAMES, 2) if two.startswith(one)]
    assert longer == []


def test_those_that_are_played_alone_come_last() -> None:
    alone = [fault.alone for fault in FAULTS]
    assert alone == sorted(alone)


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_what_is_injected_and_expected_are_sentences(fault: type[Fault]) -> None:
    for text in (fault.injected, fault.expected):
        assert text[0].isupper()
        assert text.endswith(".")
        assert "|" not in text


def test_help_teaches_and_list_tells_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        command.main(["--help"])
    assert "--only" in capsys.readouterr().out
    command.main(["--list"])
    assert [line for line in capsys.readouterr().out.splitlines() if line[0] != " "] == NAMES


def test_only_and_quick_choose_faults() -> None:
    assert [fault.name for fault in command.chosen(["crash-loop"], quick=False)] == ["crash-loop"]
    assert command.chosen([], quick=False) == []
    quick = command.chosen(None, quick=True)
    assert 0 < len(quick) < len(FAULTS)


def test_a_fault_that_is_played_again_replaces_its_row_and_keeps_the_others() -> None:
    first, second = NAMES[:2]
    before = {"seconds": 900.0, "faults": [{"fault": second, "ok": True}, {"fault": first, "ok": False}]}
    found = command.report_of([{"fault": first, "ok": True}], 60.0, before)
    assert [(row["fault"], row["ok"]) for row in found["faults"]] == [(first, True), (second, True)]
    assert found["seconds"] == 900.0
    assert command.report_of([{"fault": first, "ok": True}], 60.0, {})["seconds"] == 60.0


def test_what_was_played_is_not_lost_with_a_run_that_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails_after_two(_: object, folder: Path, keep: Callable[[Row], None]) -> list[Row]:
        for name in NAMES[:2]:
            keep({"fault": name, "ok": True})
        raise ClusterError(f"the cluster in {folder} is gone")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "run", fails_after_two)
    with pytest.raises(SystemExit, match="is gone"):
        command.main([])
    report = json.loads((tmp_path / command.BUILD / "report.json").read_text(encoding="utf-8"))
    assert [row["fault"] for row in report["faults"]] == NAMES[:2]


def test_another_cluster_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", "somewhere")
    with pytest.raises(SystemExit, match="2"):
        command.main([])
    assert "unset KUBECONFIG and CLUSTER" in capsys.readouterr().err
