"""What every kind of tests may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small arrays: threads would only wait for each other

from cluster import client as clusters
from tests.support import durations, seeded

seeded.draw_alike()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--measure-durations`` writes anew which tests are slow (``make slow-tests``)."""
    parser.addoption("--measure-durations", action="store_true", help="write tests/slow.txt anew")


def pytest_configure(config: pytest.Config) -> None:
    """Measure, where that is asked for."""
    if config.getoption("--measure-durations"):
        config.pluginmanager.register(durations.Stopwatch())


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark those that were slow when they were measured last."""
    if not config.getoption("--measure-durations"):
        durations.mark(items)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[clusters.Cluster]:
    """A cluster that is up: the embedded one, or another that the environment names."""
    with clusters.cluster(tmp_path_factory.mktemp("cluster")) as one:
        yield one
