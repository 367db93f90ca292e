"""A story without cluster and traffic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cluster.client import Cluster, Endpoints
from demo.models import Arm, Prepared
from demo.story import Story
from demo.traffic import Traffic
from demo.watching import Watched


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
        skew_cause="a unit was halved",
    )


@pytest.fixture
def story(watched: Watched, prepared: Prepared, tmp_path: Path) -> Story:
    """A story that has not begun."""
    cluster = Cluster(tmp_path / "kubeconfig", Endpoints("", "http://gateway", "http://prometheus"))
    return Story(cluster, prepared, watched, Traffic(cluster, "income", prepared.stream, 100.0, "1s"))
