"""HorizontalPodAutoscalers of arms, by the controller of Kubernetes, as docs/autoscaling.md says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bandit_operator.api.timestamps import to_timestamp
from bandit_operator.api.verbs import RESTORE
from cluster.client import Cluster, EmbeddedCluster
from testbed.autoscaling import ExternalMetrics, autoscaler
from testbed.installation import OPERATOR_ACCOUNT
from testbed.programs import BROKEN_PROMETHEUS
from testbed.rollout import Rollout
from testbed.waiting import wait_until
from tests.e2e import NAMESPACE
from tests.e2e.conftest import program

pytestmark = pytest.mark.cluster

MOST = 4


@pytest.fixture(scope="module")
def metrics(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExternalMetrics]:
    """Metrics that autoscalers read."""
    served = ExternalMetrics(cluster, NAMESPACE, tmp_path_factory.mktemp("certificate"))
    yield served
    served.close()


class Scaled(Rollout):
    """A rollout whose arms have Pods and an autoscaler each."""

    def create_scaled(self, metrics: ExternalMetrics) -> None:
        """Apply everything, with three replicas of each arm."""
        objects: list[dict[str, Any]] = []
        for arm in self.arms:
            metrics.set(self.target(arm), 3)
            objects += program(self.target(arm), BROKEN_PROMETHEUS, 9090)
            objects.append(autoscaler(NAMESPACE, self.target(arm), MOST))
        targets = []
        for arm in self.arms:
            named = {"name": self.target(arm)}
            targets.append({"name": arm, "backendRef": named, "scaleTargetRef": named})
        resource = self.resource(arms=targets, rollback={"drain": "3s", "retryAfter": "0s"})
        self.cluster.apply(*objects, self.route_object(), resource)
        for arm in self.arms:
            self.wait_for_replicas(arm, 3)
        self.wait_for("Ready", "True", "InSync", seconds=60)

    def target(self, arm: str) -> str:
        """Name of an arm's Deployment, Service and autoscaler."""
        return f"{self.name}-{arm}"

    def replicas(self, arm: str) -> int:
        """What an arm's Deployment asks for."""
        return int(self.cluster.get("deployment", self.target(arm))["spec"]["replicas"])

    def wait_for_replicas(self, arm: str, number: int) -> None:
        """Wait for an arm's Deployment to ask for so many; the controller looks every 15 s."""
        wait_until(lambda: self.replicas(arm) == number, f"{arm} has {number} replicas", 60)

    def scalings(self, arm: str) -> list[str]:
        """What the controller of Deployments says that it did, such as "from 0 to 4"."""
        selector = f"involvedObject.name={self.target(arm)},reason=ScalingReplicaSet"
        events = self.cluster.get("events", "--field-selector", selector)["items"]
        return [event["message"] for event in events]

    def scaling_active(self, arm: str) -> str:
        """Reason of the autoscaler's condition."""
        status = self.cluster.get("horizontalpodautoscaler", self.target(arm)).get("status", {})
        found = (one["reason"] for one in status.get("conditions", []) if one["type"] == "ScalingActive")
        return next(found, "")


@pytest.fixture
def scaled(
    rollout: Callable[..., Rollout], steer: Callable[..., None], metrics: ExternalMetrics
) -> Iterator[Scaled]:
    """A rollout of equal arms with three replicas each, which their autoscalers have set."""
    like = rollout()
    one = Scaled(like.cluster, like.name, like.namespace)
    steer(one.name, good=(40, 0.5), bad=(40, 0.5))
    one.create_scaled(metrics)
    yield one
    for arm in one.arms:
        names = (f"{kind}/{one.target(arm)}" for kind in ("horizontalpodautoscaler", "deployment"))
        one.cluster.kubectl("delete", *names, "--wait=false")


def scale_writes(audited: EmbeddedCluster, one: Scaled) -> int:
    """How often the operator has set the replicas of arm bad."""
    return sum(
        (request.user, request.subresource, request.name) == (OPERATOR_ACCOUNT, "scale", one.target("bad"))
        and request.verb != "get"
        and request.code == 200
        for request in audited.requests()
    )


def test_an_autoscaler_scales_a_serving_arm_and_the_operator_leaves_it_alone(
    scaled: Scaled, metrics: ExternalMetrics, audited: EmbeddedCluster
) -> None:
    for number in (4, 1, 2):
        metrics.set(scaled.target("bad"), number)
        scaled.wait_for_replicas("bad", number)
    scaled.wait_for_later_window()
    assert scaled.arm("bad")["state"] in ("Joining", "Active")
    assert scaled.weights()["bad"] > 0
    assert scale_writes(audited, scaled) == 0


def test_a_loser_with_an_autoscaler_stays_at_zero_and_comes_back_with_the_replicas_it_had(
    scaled: Scaled, metrics: ExternalMetrics, steer: Callable[..., None], audited: EmbeddedCluster
) -> None:
    metrics.set(scaled.target("bad"), MOST)
    scaled.wait_for_replicas("bad", MOST)
    steer(scaled.name, good=(60, 0.9), bad=(60, 0.1))
    wait_until(lambda: scaled.arm("bad").get("reason") == "ScaledToZero", "the loser has gone down", 120)
    metrics.wait_for_reads(scaled.target("good"), 3)
    assert scaled.scaling_active("bad") == "ScalingDisabled"
    assert (scaled.replicas("bad"), scaled.weights()["bad"]) == (0, 0)
    assert scaled.arm("bad")["reason"] == "ScaledToZero"

    steer(scaled.name, good=(60, 0.5), bad=(60, 0.5))
    metrics.set(scaled.target("bad"), 2)
    asked = f"{RESTORE}=bad@{to_timestamp(time.time())}"
    scaled.cluster.kubectl("annotate", "bd", scaled.name, asked)
    wait_until(lambda: scaled.arm("bad").get("state") in ("Joining", "Active"), "it is back", 90)
    scaled.wait_for_replicas("bad", 2)
    ups = [told for told in scaled.scalings("bad") if f"from 0 to {MOST}" in told]
    assert ups, scaled.scalings("bad")
    assert scaled.scaling_active("bad") == "ValidMetricFound"
    assert scale_writes(audited, scaled) == 2, "one down, one up"
