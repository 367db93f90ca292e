"""A stream of the study through the real operator: it counts the very rewards that the study computes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.client import REPOSITORY, Cluster

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory, operator: Cluster) -> dict[str, object]:
    """What came of a short replay of a set that scikit-learn ships."""
    assert operator  # the replay comes after the cluster's other tests, not beside their start
    folder: Path = tmp_path_factory.mktemp("replay")
    command = [sys.executable, "-m", "demo.replay", "breast_cancer", "--requests", "900"]
    command += ["--build", str(folder), "--docs", str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert (folder / "replay.md").exists()
    found: dict[str, object] = json.loads((folder / "replay.json").read_text())
    return found


def test_the_operator_counts_for_every_arm_what_the_study_computes_for_the_same_rows(
    result: dict[str, object],
) -> None:
    assert result["requests"] == result["rewards_counted"] == result["labels_sent"] == 900
    assert result["failed"] == 0
    assert result["windows_missing"] == []
    assert result["reward_by_operator"] == pytest.approx(result["reward_by_study"], rel=1e-5)
