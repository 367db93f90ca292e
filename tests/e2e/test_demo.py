"""The demo, as a stranger runs it: the story comes about, no request fails, every reward counts once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cluster.client import REPOSITORY, Cluster, EmbeddedCluster

pytestmark = [pytest.mark.cluster, pytest.mark.alone]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, operator: Cluster) -> dict[str, Any]:
    """The report of one run, on a cluster of its own, or on the one that the environment names."""
    assert operator  # the demo comes after the cluster's other tests, not beside their start
    output = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "demo", "--plain", "--output", str(output)]
    if isinstance(operator, EmbeddedCluster):
        command += ["--cluster-dir", str(output / "cluster")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=420, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    found: dict[str, Any] = json.loads(Path(output, "report.json").read_text())
    return found


def test_no_request_is_lost_and_every_reward_counts_once(report: dict[str, Any]) -> None:
    assert report["requests_failed"] == 0
    assert report["requests_total"] > 5000
    assert report["rewards_sent"] == report["rewards_counted"] > 0


def test_the_loser_is_drained_before_it_is_scaled_to_zero_and_returns_when_it_is_fixed(
    report: dict[str, Any],
) -> None:
    losers = {one["arm"]: one for one in report["rolled_back"]}
    assert losers["boosting"]["drained_before_scale"] is True
    assert losers["boosting"]["replicas"] == 0
    assert "boosting" in [one["arm"] for one in report["restored"]]
    assert report["leader"] == "boosting"


def test_every_recorded_decision_comes_out_alike_when_it_is_made_again(report: dict[str, Any]) -> None:
    assert report["decided_again"]["decisions"] >= 15
    assert report["decided_again"]["differ"] == 0


def test_a_normal_tick_reads_nothing_writes_twice_at_most_and_asks_once(report: dict[str, Any]) -> None:
    if report["api_reads_per_tick"] is not None:  # only the embedded cluster has an audit log to read
        assert report["api_reads_per_tick"] == 0
        assert report["api_writes_per_tick"] <= 2
    assert report["queries_per_tick"] == pytest.approx(1, abs=0.1)
