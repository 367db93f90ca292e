"""The command line, and on a cluster the smallest measurement."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.overhead import __main__ as command
from bench.overhead import counters, latency, scale, shadow
from bench.overhead.environment import open_environment


def test_help_tells_what_each_part_measures(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        command.main(["--help"])
    text = capsys.readouterr().out
    assert all(f"\n{name} " in text for name in command.PARTS)


def test_another_cluster_is_refused_because_it_has_no_audit_log_to_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", "somewhere")
    with pytest.raises(SystemExit, match="2"):
        command.main([])
    assert "unset KUBECONFIG and CLUSTER" in capsys.readouterr().err


def test_with_no_part_to_measure_the_page_is_made_again_from_those_that_are_there(
    parts: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("CLUSTER", raising=False)
    monkeypatch.setattr(command, "BUILD", tmp_path / "build")
    monkeypatch.setattr(command, "DOCS", tmp_path / "docs")
    folder = tmp_path / "build" / "overhead" / "parts"
    folder.mkdir(parents=True)
    (folder / "reaction.json").write_text(json.dumps(parts["reaction"]))
    command.main(["--only"])
    assert "## From a broken model" in (tmp_path / "docs" / "overhead.md").read_text()
    assert json.loads((tmp_path / "build" / "overhead.json").read_text()).keys() == {"goals", "reaction"}


@pytest.mark.slow
def test_the_part_that_needs_no_cluster_is_measured_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("CLUSTER", raising=False)
    monkeypatch.setattr(command, "BUILD", tmp_path / "build")
    monkeypatch.setattr(shadow, "RATE", 1000.0)
    command.main(["--quick", "--only", "shadow"])
    page = (tmp_path / "build" / "quick" / "overhead.md").read_text()
    assert "| 100% | p99 | " in page
    assert list((tmp_path / "build" / "quick" / "overhead" / "cluster").iterdir()) == []


@pytest.mark.parametrize("plan", [scale.FULL, scale.QUICK])
def test_the_number_of_resources_only_grows_and_passes_that_which_is_moved(plan: scale.Plan) -> None:
    assert list(plan.numbers) == sorted(set(plan.numbers))
    assert {number for number, _ in plan.moving} <= {*plan.numbers}


@pytest.mark.cluster
def test_the_moved_path_is_moved_and_the_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    plan = latency.Plan(rounds=1, seconds=5, rate=50, full_seconds=1, workers=4)
    steps: list[str] = []
    with open_environment(tmp_path / "cluster") as environment:
        before = counters.read(environment)
        found = latency.measure(environment, plan, steps.append)
        spent = counters.between(environment, before, counters.read(environment))
    (paths,) = found["rounds"]
    assert paths["moved"]["route_writes"] >= 1
    assert paths["direct"]["route_writes"] == paths["static"]["route_writes"] == 0
    assert all(one["failed"] == 0 and one["requests"] > 200 for one in paths.values()), paths
    assert found["after_write"]["near"]["count"] > 0
    assert (spent["api_reads"], spent["cores"] > 0, spent["etcd_writes"] > 0) == (0, True, True)
    assert len(steps) == plan.steps
