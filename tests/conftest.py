"""What every kind of tests may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small arrays: threads would only wait for each other

from cluster import client as clusters
from tests.support import seeded

seeded.draw_alike()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[clusters.Cluster]:
    """A cluster that is up: the embedded one, or another that the environment names."""
    with clusters.cluster(tmp_path_factory.mktemp("cluster")) as one:
        yield one
