"""A story with made-up versions of the cluster's objects; no cluster and no traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cluster.client import Cluster, Endpoints
from demo.models import Arm, Prepared
from demo.story import Story
from demo.traffic import Traffic
from demo.watching import Watched

ARMS = ("boosting", "logistic")


def stamp(second: int) -> str:
    """A time, so many seconds after the start of the story."""
    return f"2030-01-01T00:{second // 60:02d}:{second % 60:02d}.000Z"


def decision(
    end: int, trials: tuple[int, int], *, reason: str = "WeightsMoved", **more: Any
) -> dict[str, Any]:
    """A decision on the five seconds before `end`, with as many trials of each arm, all rewarded."""
    seen = {
        arm: {"trials": repr(float(n)), "rewards": repr(float(n))}
        for arm, n in zip(ARMS, trials, strict=True)
    }
    return {
        "time": stamp(end + 4),
        "window": {"start": stamp(end - 5), "end": stamp(end)},
        "observations": seen,
        "weights": {"boosting": 7000, "logistic": 3000},
        "reason": reason,
        "message": f"at {end}",
        **more,
    }


def version(*decisions: dict[str, Any], evidence: str = "1", state: str = "Active") -> dict[str, Any]:
    """A BanditDeployment whose status holds these decisions, the newest first."""
    arms = [
        {"name": "boosting", "state": state, "weight": 7000, "evidence": evidence, "threshold": "20"},
        {"name": "logistic", "state": "Active", "weight": 3000, "mean": "0.8"},
    ]  # fmt: skip
    status: dict[str, Any] = {"cursor": stamp(0), "history": list(decisions), "arms": arms}
    if decisions:
        status["window"] = decisions[0].get("window", {"start": stamp(0), "end": stamp(0)})
    return {"metadata": {"name": "income"}, "spec": {"baseline": "logistic"}, "status": status}


@pytest.fixture
def watched() -> Watched:
    """Nothing seen yet."""
    return Watched("income")


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    """Two models that do not exist, and a stream of two rows."""
    stream = tmp_path / "stream.npz"
    np.savez(stream, features=np.array(["weeks"]), values=np.zeros((2, 1)), labels=np.array([0, 1]))
    file = tmp_path / "none"
    return Prepared(
        folder=tmp_path,
        source="made up",
        features=["weeks"],
        stream=stream,
        priors={"0": 0.5, "1": 0.5},
        arms={
            "boosting": Arm("boosting", file, file, validation=0.9, production=0.9, skewed=0.6),
            "logistic": Arm("logistic", file, file, validation=0.8, production=0.8, skewed=0.5),
        },
        best="boosting",
        skew_feature="weeks",
        skew_factor=0.5,
        skew_cause="somebody halved it",
    )


@pytest.fixture
def story(watched: Watched, prepared: Prepared, tmp_path: Path) -> Story:
    """A story that has not begun."""
    cluster = Cluster(tmp_path / "kubeconfig", Endpoints("", "http://gateway", "http://prometheus"))
    return Story(cluster, prepared, watched, Traffic(cluster, "income", prepared.stream, 100.0, "1s"))
