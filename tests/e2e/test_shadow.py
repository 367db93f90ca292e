"""A mirror that the operator manages, on a real API server: of a gateway that cannot, and of one that can."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from bandit_operator.api.timestamps import to_timestamp
from cluster.client import Cluster
from testbed.installation import OPERATOR_NAMESPACE
from testbed.reward_source import SOURCE
from testbed.rollout import Object, Rollout
from testbed.waiting import wait_until

pytestmark = pytest.mark.cluster
CONTROLLER = "example.com/mirroring"


class Mirrored(Rollout):
    """A rollout with a shadow server, on the Gateway ``gateway`` of a namespace."""

    gateway: Object

    def route_object(self) -> Object:
        """The route of that Gateway."""
        route = super().route_object()
        route["spec"]["parentRefs"] = [self.gateway]
        return route

    def shadow(self, **changes: Any) -> Object:
        """What is asked for, as ``spec.shadow``."""
        ref = {"name": f"{self.name}-shadow", "port": 80}
        prometheus = {"collector": {"route": self.name}}
        return {"share": "10%", "mirror": "Managed", "backendRef": ref, "prometheus": prometheus, **changes}

    def start(self) -> None:
        """Apply everything, the shadow server's Service included."""
        service: Object = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": f"{self.name}-shadow", "namespace": self.namespace},
            "spec": {"selector": {"app": SOURCE}, "ports": [{"port": 80, "targetPort": 8000}]},
        }
        self.create(service, shadow=self.shadow())

    def mirrors(self) -> list[Object]:
        """The RequestMirror filters, less what the API server fills in; all others must have stayed."""
        filters = self.route()["spec"]["rules"][0]["filters"]
        kept = [one for one in filters if one["type"] != "RequestMirror"]
        assert kept == super().route_object()["spec"]["rules"][0]["filters"]
        found = [one["requestMirror"] for one in filters if one["type"] == "RequestMirror"]
        for one in found:
            assert one.pop("backendRef")["name"] == f"{self.name}-shadow"
        return found

    def wait_for_mirrors(self, *wanted: Object) -> None:
        """Wait until the rule's RequestMirror filters are these."""

        def are() -> bool:
            found = self.mirrors()
            assert found == list(wanted), self.condition("ShadowAvailable")
            return True

        wait_until(are, f"{self.name}: mirrors are {wanted}", 30)

    def say(self, accepted: bool, message: str = "") -> None:
        """Say of the route what its gateway would."""
        generation = self.route()["metadata"]["generation"]
        condition = {
            "type": "Accepted",
            "status": str(accepted),
            "reason": "Accepted" if accepted else "UnsupportedValue",
            "message": message,
            "observedGeneration": generation,
            "lastTransitionTime": to_timestamp(1.8e9),
        }
        parent = {"controllerName": CONTROLLER, "parentRef": self.gateway, "conditions": [condition]}
        patch_status(self.cluster, "httproute", self.name, {"parents": [parent]})


@contextmanager
def without(cluster: Cluster, deployment: str) -> Iterator[None]:
    """While a Deployment has no Pods."""
    cluster.kubectl("scale", "deployment", deployment, "--replicas=0")
    try:
        selector = f"app.kubernetes.io/name={deployment}"
        cluster.kubectl("wait", "--for=delete", "pod", "-l", selector, "--timeout=60s")
        yield
    finally:
        cluster.kubectl("scale", "deployment", deployment, "--replicas=1")
        cluster.kubectl("rollout", "status", f"deployment/{deployment}", "--timeout=90s")


def patch_status(cluster: Any, kind: str, name: str, status: Object) -> None:
    """Set a status as a controller would."""
    patch = json.dumps({"status": status})
    cluster.kubectl("patch", kind, name, "--subresource=status", "--type=merge", "-p", patch)


@pytest.fixture
def mirrored(rollout: Callable[..., Rollout], steer: Callable[..., None]) -> Mirrored:
    """A rollout on the Gateway of the cluster, whose arms earn alike."""
    like = rollout()
    one = Mirrored(like.cluster, like.name, like.namespace)
    one.gateway = {"name": "main", "namespace": "gateway"}
    steer(one.name, good=(60, 0.5), bad=(60, 0.5))
    return one


@pytest.fixture
def able(mirrored: Mirrored) -> Iterator[Mirrored]:
    """The same on a Gateway of a class that lists what is needed, and whose controller is the test."""
    listener = {"name": "http", "port": 81, "protocol": "HTTP"}
    mirrored.gateway = {"name": "mirroring", "namespace": mirrored.namespace}
    mirrored.cluster.apply(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": "mirroring"},
            "spec": {"controllerName": CONTROLLER},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": mirrored.gateway,
            "spec": {"gatewayClassName": "mirroring", "listeners": [listener]},
        },
    )
    names = ("HTTPRouteRequestMirror", "HTTPRouteRequestPercentageMirror")
    listed = [{"name": name} for name in names]
    patch_status(mirrored.cluster, "gatewayclass", "mirroring", {"supportedFeatures": listed})
    yield mirrored
    mirrored.cluster.kubectl("delete", "gateway", "mirroring", "--wait=false")
    mirrored.cluster.kubectl("delete", "gatewayclass", "mirroring", "--wait=false")


def test_a_gateway_that_cannot_mirror_gets_no_filter_and_serves_on(mirrored: Mirrored) -> None:
    mirrored.start()
    said = mirrored.wait_for("ShadowAvailable", "False", "MirrorUnsupported")
    assert "does not list HTTPRouteRequestMirror" in said["message"]
    mirrored.wait_for("Ready", "True", "InSync")
    assert mirrored.mirrors() == []
    address = f"{mirrored.cluster.endpoints.gateway}/{mirrored.name}"
    wait_until(lambda: httpx.get(address).status_code == 200, "requests are served", 20)


def test_the_filter_comes_follows_the_share_and_goes_with_mirror_and_resource(able: Mirrored) -> None:
    able.start()
    able.wait_for_mirrors({"percent": 10})
    able.say(accepted=True)
    able.patch({"shadow": able.shadow(share="12.5%")})
    able.wait_for_mirrors({"fraction": {"numerator": 1, "denominator": 8}})
    able.patch({"shadow": able.shadow(mirror="Manual", backendRef=None)})
    able.wait_for_mirrors()
    able.patch({"shadow": able.shadow()})
    able.wait_for_mirrors({"percent": 10})
    able.delete()
    able.wait_for_mirrors()


def test_a_filter_that_the_gateway_refuses_is_taken_out_again(able: Mirrored) -> None:
    able.start()
    able.wait_for_mirrors({"percent": 10})
    able.say(accepted=False, message="RequestMirror is not supported here")
    able.wait_for_mirrors()
    able.say(accepted=True)
    said = able.wait_for("ShadowAvailable", "False", "MirrorRefused")
    assert "RequestMirror is not supported here" in said["message"]
    able.wait_for("Ready", "True", "InSync")
    assert able.mirrors() == []


def test_the_filter_goes_though_the_resource_was_deleted_while_no_operator_ran(
    able: Mirrored, operator: Cluster
) -> None:
    able.start()
    able.wait_for_mirrors({"percent": 10})
    operators = operator.namespace(OPERATOR_NAMESPACE)
    with without(operators, "bandit-operator"):
        able.delete()
        assert len(able.mirrors()) == 1
    able.wait_for_mirrors()
    assert able.route()["metadata"]["annotations"] == able.route_object()["metadata"]["annotations"]
