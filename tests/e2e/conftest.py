"""A cluster with the operator from its chart, and a source of rewards that tests can steer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cluster import client as clusters
from cluster.client import Cluster, EmbeddedCluster
from testbed import altered, programs
from testbed.installation import image_of, images, install_operator
from testbed.programs import BROKEN_PROMETHEUS
from testbed.reward_source import RewardSource
from testbed.rollout import Rollout
from tests.e2e import ADDRESSES, NAMESPACE

# So that what was counted is shown beside the truth where they differ.
pytest.register_assert_rewrite("tests.e2e.versions")

PROGRAMS = Path(__file__).parent / "programs"


def program(name: str, source: Path, port: int, *arguments: str, **options: Any) -> list[dict[str, Any]]:
    """A Deployment that runs a program in the namespace of these tests, with its Service."""
    return programs.program(NAMESPACE, name, source, port, *arguments, **options)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster that knows the operator's image, also where it is killed all the time or its clock is set."""
    known = {
        **images(),
        "bandit-operator:killed": image_of("bandit_operator", PROGRAMS / "killed_operator.py"),
        altered.SETTABLE_CLOCK: altered.settable_clock_image(),
    }
    with clusters.cluster(tmp_path_factory.mktemp("e2e"), known) as one:
        one.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        yield one


@pytest.fixture(scope="session")
def operator(cluster: Cluster) -> Cluster:
    """The cluster with the operator in it."""
    install_operator(cluster, ADDRESSES)
    return cluster


@contextmanager
def patched_operator(operator: Cluster, patch: list[dict[str, Any]]) -> Iterator[Cluster]:
    """The operator's Deployment with a JSON Patch, and afterwards as the chart makes it."""
    with altered.patched_operator(operator, patch, ADDRESSES) as operators:
        yield operators


@pytest.fixture(scope="session")
def steer(operator: Cluster) -> Callable[..., None]:
    """Set how fast arms earn: ``steer("route", arm=(trials a second, mean reward))``."""
    return RewardSource(operator, NAMESPACE).steer


@pytest.fixture(scope="session")
def broken_prometheus(operator: Cluster) -> str:
    """Address of a Prometheus that answers as its path says."""
    operator.apply(*program("broken-prometheus", BROKEN_PROMETHEUS, 9090))
    operator.namespace(NAMESPACE).kubectl(
        "wait", "--for=condition=Available", "deploy/broken-prometheus", "--timeout=60s"
    )
    return f"http://broken-prometheus.{NAMESPACE}"


@pytest.fixture
def rollout(
    operator: Cluster,
    steer: Callable[..., None],  # its Pod answers for arms that have none of their own
    request: pytest.FixtureRequest,
) -> Iterator[Callable[..., Rollout]]:
    """Make rollouts named after the test, and take them away after it."""
    assert operator, steer
    made: list[Rollout] = []

    def make(suffix: str = "", **arguments: Any) -> Rollout:
        digest = abs(hash(request.node.nodeid)) % 10**8
        made.append(Rollout(operator, f"t{digest}{suffix}", NAMESPACE, **arguments))
        return made[-1]

    yield make
    for one in made:
        one.cluster.kubectl("delete", "bd", one.name, "--ignore-not-found", "--wait=false")
        one.cluster.kubectl("delete", one.kind.lower(), one.name, "--ignore-not-found", "--wait=false")


@pytest.fixture
def audited(operator: Cluster) -> EmbeddedCluster:
    """The embedded cluster, which alone has an audit log that tests can read."""
    if not isinstance(operator, EmbeddedCluster):
        pytest.fail("this test reads the API server's audit log: run it without KUBECONFIG and CLUSTER")
    return operator
