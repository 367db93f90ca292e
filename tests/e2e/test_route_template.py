"""A route that the operator makes: no route is applied, requests are served, and it goes or stays as said."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from testbed.rollout import Rollout
from testbed.waiting import wait_until

pytestmark = pytest.mark.cluster


class Made(Rollout):
    """A rollout whose route is made from a template; nobody applies one."""

    def create_from(self, policy: str, **spec: Any) -> None:
        """Apply Services and resource."""
        arms = [{"name": arm, "backendRef": {"name": f"{self.name}-{arm}", "port": 80}} for arm in self.arms]
        template = {
            "deletionPolicy": policy,
            "metadata": {"labels": {"team": "models"}},
            "spec": {
                "parentRefs": [{"name": "main", "namespace": "gateway"}],
                "matches": [{"path": {"value": f"/{self.name}"}}],
                "filters": [
                    {
                        "type": "ResponseHeaderModifier",
                        "responseHeaderModifier": {"set": [{"name": "X-Made", "value": "yes"}]},
                    }
                ],
            },
        }
        self.cluster.apply(
            *self.services(), self.resource(arms=arms, traffic={"routeTemplate": template}, **spec)
        )

    def answers(self) -> bool:
        """Whether a request through the gateway comes to an arm by this route."""
        answer = httpx.get(f"{self.cluster.endpoints.gateway}/{self.name}", timeout=5)
        return bool(answer.headers.get("X-Made") == "yes")

    def wait_for_bad(self) -> None:
        """Wait until the arm that earns more has the larger weight."""

        def leads() -> bool:
            weights = self.weights()
            assert weights["bad"] > weights["good"], self.status().get("history", [])[:1]
            return True

        wait_until(leads, f"{self.name}: weights move", 60)

    def is_there(self) -> bool:
        """Whether the route is."""
        return bool(self.cluster.kubectl("get", "httproute", self.name, "--ignore-not-found", "-o", "name"))

    def patch_route(self, patch: dict[str, Any]) -> None:
        """Merge-patch the route as another writer would."""
        self.cluster.kubectl("patch", "httproute", self.name, "--type=merge", "-p", json.dumps(patch))


@pytest.fixture
def made(rollout: Callable[..., Rollout], steer: Callable[..., None]) -> Made:
    """A rollout whose arm bad earns more."""
    like = rollout()
    one = Made(like.cluster, like.name, like.namespace)
    steer(one.name, good=(60, 0.2), bad=(60, 0.9))
    return one


def test_no_route_is_applied_and_weights_move_and_it_goes_with_the_resource(made: Made) -> None:
    made.create_from("Delete")
    wait_until(made.answers, "a request is served by the route that was made", 30)
    made.wait_for_bad()
    made.wait_for("Ready", "True", "InSync")
    assert made.status()["foreignWeightChanges"] == 0, "what the API server fills in is nobody's change"
    made.delete()
    wait_until(lambda: not made.is_there(), "the garbage collector takes the route along", 30)


def test_an_orphan_stays_and_serves_with_the_weights_that_it_has(made: Made) -> None:
    made.create_from("Orphan")
    wait_until(made.is_there, "the route is made", 30)
    made.wait_for_bad()
    made.patch({"mode": "Paused"})
    wait_until(lambda: made.status().get("phase") == "Paused", "it is paused")
    before = made.route()
    made.delete()
    assert made.route() == before
    assert made.answers()


def test_what_others_change_is_put_back_and_a_route_that_is_deleted_is_made_again(made: Made) -> None:
    made.create_from("Delete", guardrails={"minTrials": 10**9})  # nothing else moves weights
    made.wait_for("Ready", "True", "InSync")
    weights, spec = made.weights(), made.route()["spec"]
    made.patch_route({"metadata": {"labels": {"theirs": "yes"}}, "spec": {"hostnames": ["no.example.com"]}})
    wait_until(lambda: made.route()["spec"] == spec, "the template's fields are put back", 10)
    assert made.route()["metadata"]["labels"]["theirs"] == "yes"
    assert made.weights() == weights
    made.cluster.kubectl("delete", "httproute", made.name)
    wait_until(made.is_there, "the route is made again", 10)
    assert made.weights() == weights
    wait_until(made.answers, "it serves again", 20)
    template = {"metadata": {"labels": {"team": None, "owner": "fraud"}}}
    made.patch({"traffic": {"routeTemplate": template}})

    def follows() -> bool:
        labels = made.route()["metadata"]["labels"]
        return "team" not in labels and labels["owner"] == "fraud"

    wait_until(follows, "labels follow the template", 10)
    assert made.weights() == weights
