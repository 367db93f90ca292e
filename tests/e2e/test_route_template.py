"""A route that the operator makes: no route is applied, requests are served, and it goes or stays as said."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from testbed.rollout import Rollout
from testbed.waiting import wait_until

pytestmark = pytest.mark.cluster


class Made(Rollout):
    """A rollout whose route is made from a template; nobody applies one."""

    def create_from(self, policy: str, timeouts: dict[str, str] | None = None, **spec: Any) -> None:
        """Apply Services and resource."""
        arms = [{"name": arm, "backendRef": {"name": f"{self.name}-{arm}", "port": 80}} for arm in self.arms]
        template = {
            "deletionPolicy": policy,
            "metadata": {"labels": {"team": "models"}},
            "spec": {
                "parentRefs": [{"name": "main", "namespace": "gateway"}],
                "matches": [{"path": {"value": f"/{self.name}"}}],
                **({} if timeouts is None else {"timeouts": timeouts}),
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


@contextmanager
def gateway_api_without_timeouts(one: Made) -> Iterator[None]:
    """For a while the API server knows no timeouts of an HTTPRoute, as that of an older Gateway API."""
    name = "httproutes.gateway.networking.k8s.io"
    versions = one.cluster.get("crd", name)["spec"]["versions"]
    at = [version["name"] for version in versions].index("v1")
    place = ("schema", "openAPIV3Schema", "properties", "spec", "properties", "rules", "items", "properties")
    rule = versions[at]
    for part in place:
        rule = rule[part]
    path = f"/spec/versions/{at}/{'/'.join(place)}/timeouts"

    def change(**operation: Any) -> None:
        patch = json.dumps([{"path": path, **operation}])
        one.cluster.kubectl("patch", "crd", name, "--type=json", "-p", patch)

    def is_kept() -> bool:
        route = one.route_object()
        route["metadata"]["name"] += "-tried"
        route["spec"]["rules"][0]["timeouts"] = {"request": "5s"}
        how = ("create", "--dry-run=server", "--validate=false", "-o", "json", "-f", "-")
        return (
            "timeouts" in json.loads(one.cluster.kubectl(*how, stdin=json.dumps(route)))["spec"]["rules"][0]
        )

    change(op="remove")
    try:
        wait_until(lambda: not is_kept(), "the API server drops timeouts", 30)
        yield
    finally:
        change(op="add", value=rule["timeouts"])
        wait_until(is_kept, "the API server keeps timeouts", 30)


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


def test_what_the_gateway_api_does_not_know_of_the_template_is_said_and_the_rest_serves(made: Made) -> None:
    with gateway_api_without_timeouts(made):
        made.create_from("Delete", timeouts={"request": "5s"})
        condition = made.wait_for("Ready", "False", "TemplateNotKept")
        assert "/spec/rules/0/timeouts" in condition["message"]
        wait_until(made.answers, "a request is served all the same", 30)
        made.wait_for_bad()
        assert made.status()["foreignWeightChanges"] == 0
    made.patch({"interval": "6s"})
    made.wait_for("Ready", "True", "InSync")
    assert made.route()["spec"]["rules"][0]["timeouts"] == {"request": "5s"}
