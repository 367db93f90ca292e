"""The demo with a shadow: a broken model is found worse before any user has met it."""

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
def output(tmp_path_factory: pytest.TempPathFactory, operator: Cluster) -> Path:
    """The folder of one run, on a cluster of its own, or on the one that the environment names."""
    assert operator  # the demo comes after the cluster's other tests, not beside their start
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "demo", "--plain", "--shadow", "--output", str(folder)]
    if isinstance(operator, EmbeddedCluster):
        command += ["--cluster-dir", str(folder / "cluster")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=700, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return folder


@pytest.fixture(scope="module")
def report(output: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(output, "shadow", "report.json").read_text())
    return found


def test_no_user_got_an_answer_of_the_broken_model(report: dict[str, Any]) -> None:
    assert report["answered_with_skew"] == 0
    assert report["requests_failed"] == 0
    assert report["requests_total"] > 5000


def test_the_broken_model_is_scaled_to_zero_by_the_shadow_and_leads_once_it_is_mended(
    report: dict[str, Any],
) -> None:
    losers = {one["arm"]: one for one in report["rolled_back"]}
    assert losers["boosting"]["replicas"] == 0
    assert report["leader"] == "boosting"


def test_every_served_reward_counts_once_and_every_decision_comes_out_alike(report: dict[str, Any]) -> None:
    assert report["rewards_sent"] == report["rewards_counted"] > 0
    assert report["decided_again"]["decisions"] >= 15
    assert report["decided_again"]["differ"] == 0


def test_what_is_scored_is_read_by_the_same_query(report: dict[str, Any]) -> None:
    assert report["queries_per_tick"] == pytest.approx(1, abs=0.1)


def test_both_reports_have_a_page_side_by_side(output: Path, report: dict[str, Any]) -> None:
    page = Path(output, "beside.html").read_text()
    assert 'src="shadow/report.html"' in page
    assert f"{report['requests_total']:,}" in page
