"""A Gateway that goes on accepting a route, by the route's status, and does not carry it any more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.client import Cluster
from testbed.rollout import Rollout
from tests.e2e import NAMESPACE

pytestmark = pytest.mark.cluster


class OnItsOwnGateway(Rollout):
    """A rollout that another Gateway than everybody's carries."""

    def gateways(self) -> list[dict[str, Any]]:
        """Its own."""
        listener = {"name": "http", "port": 80, "protocol": "HTTP"}
        return [
            {
                "apiVersion": "gateway.networking.k8s.io/v1",
                "kind": "Gateway",
                "metadata": {"name": self.name, "namespace": self.namespace},
                "spec": {"gatewayClassName": "traefik", "listeners": [listener]},
            }
        ]

    def route_object(self) -> dict[str, Any]:
        """The route, with that for a parent."""
        route = super().route_object()
        route["spec"]["parentRefs"] = [{"name": self.name}]
        return route


@pytest.fixture
def alone(operator: Cluster, steer: Callable[..., None]) -> Iterator[OnItsOwnGateway]:
    """Such a rollout, in sync."""
    one = OnItsOwnGateway(operator, "own-gateway", NAMESPACE)
    steer(one.name, good=(60, 0.5), bad=(60, 0.5))
    one.create()
    one.wait_for("Ready", "True", "InSync")
    yield one
    for kind in ("bd", "httproute", "gateway"):
        one.cluster.kubectl("delete", kind, one.name, "--ignore-not-found", "--wait=false")


def test_a_gateway_that_is_deleted_is_told_of_within_seconds_and_so_is_its_return(
    alone: OnItsOwnGateway,
) -> None:
    alone.cluster.kubectl("delete", "gateway", alone.name)
    said = alone.wait_for("Ready", "False", "GatewayNotProgrammed", 10)
    assert f"there is no Gateway {NAMESPACE}/{alone.name} any more" in said["message"]
    alone.cluster.apply(*alone.gateways())
    alone.wait_for("Ready", "True", "InSync")


def test_a_gateway_whose_controller_says_that_it_is_not_programmed_is_told_of(alone: OnItsOwnGateway) -> None:
    # Its class is nobody's from here on, so that the words stay as they are written.
    said = {
        "type": "Programmed", "status": "False", "reason": "Invalid", "message": "no data plane",
        "observedGeneration": 2, "lastTransitionTime": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    taken = {"op": "replace", "path": "/spec/gatewayClassName", "value": "nobody"}
    alone.cluster.kubectl("patch", "gateway", alone.name, "--type=json", "-p", json.dumps([taken]))
    status = {"status": {"conditions": [said]}}
    how = ("--subresource=status", "--type=merge", "-p", json.dumps(status))
    alone.cluster.kubectl("patch", "gateway", alone.name, *how)
    condition = alone.wait_for("Ready", "False", "GatewayNotProgrammed", 10)
    assert (
        f"Gateway {NAMESPACE}/{alone.name} is not programmed: Invalid: no data plane" in condition["message"]
    )
