"""The real controllers of Flux reconcile a rollout from Git, with the snippets of docs/gitops.md."""

from __future__ import annotations

import copy
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.chaos.load import Load
from cluster.client import EmbeddedCluster
from testbed import flux
from testbed.installation import OPERATOR_ACCOUNT, images, install_operator
from testbed.reward_source import RewardSource
from testbed.rollout import Rollout
from testbed.waiting import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.flux]

PAGE = Path("docs/gitops.md").read_text(encoding="utf-8")
SNIPPETS: dict[str, dict[str, Any]] = {
    one["kind"]: one
    for one in (yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL))
}
MINUTES = float(os.environ.get("MINUTES", "10"))
"""How long each way is watched."""
EVERY = "10s"
"""Interval of Flux in the place of the page's: so that a minute has six reconciles."""
COMMIT_SECONDS = 20.0
"""Between two commits that change a field of the route, so that Flux has to apply it."""
RATE = 20.0
"""Requests a second."""
NAMESPACE = "models"
ARMS = ("v1", "v2", "v3")
MODEL = Path("testbed/counting_model.py").absolute()


def renamed(document: dict[str, Any], arm: str) -> dict[str, Any]:
    """The page's manifest of arm v2 for another arm."""
    changed: dict[str, Any] = json.loads(json.dumps(document).replace("v2", arm))
    return changed


def shared() -> list[dict[str, Any]]:
    """What both ways have in Git beside route and resource: the page's Deployments, and their Services."""
    objects = []
    for arm in ARMS:
        labels = renamed(SNIPPETS["Deployment"], arm)["spec"]["selector"]["matchLabels"]
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": f"spam-{arm}", "namespace": NAMESPACE},
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8000}]},
        }
        objects += [renamed(SNIPPETS["Deployment"], arm), service]
    return objects


def with_route_ref(commit: int) -> list[dict[str, Any]]:
    """The route in Git, whose request timeout each commit changes; drift of weights is ignored."""
    route = copy.deepcopy(SNIPPETS["HTTPRoute"])
    del route["metadata"]["annotations"]  # of the way for older Flux
    route["spec"]["rules"][0]["timeouts"] = {"request": f"{20 + commit}s"}
    resource = copy.deepcopy(SNIPPETS["BanditDeployment"])
    resource["spec"]["traffic"] = {"routeRef": {"name": "spam"}}
    for arm in resource["spec"]["arms"]:
        del arm["backendRef"]["port"]  # the route has them
    return [route, quickened(resource)]


def with_route_template(commit: int) -> list[dict[str, Any]]:
    """No route in Git: each commit changes the request timeout in the template."""
    resource = copy.deepcopy(SNIPPETS["BanditDeployment"])
    template = resource["spec"]["traffic"]["routeTemplate"]
    template["deletionPolicy"] = "Delete"  # the next way begins without it
    template["spec"]["timeouts"] = {"request": f"{20 + commit}s"}
    return [quickened(resource)]


def quickened(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource with an interval of seconds, whose losers are not tried again."""
    resource["spec"] |= {"interval": "5s", "rollback": {"drain": "3s", "retryAfter": "0s"}}
    resource["spec"]["reward"]["prometheus"]["settle"] = "3s"
    return resource


@dataclass
class Watched:
    """What was seen of one way."""

    commits: int = 0
    moves: int = 0
    """Looks at which the weights were others than at the look before."""
    loser_weights: set[int] = field(default_factory=set)
    """Weights of the loser after it had gone down."""
    loser_replicas: set[int] = field(default_factory=set)
    reasons: set[str] = field(default_factory=set)
    """Of condition TrafficInSync."""
    weights: dict[str, int] = field(default_factory=dict)
    down_after: float | None = None
    """Seconds until the loser had no Pods."""


class Models(Rollout):
    """The rollout of the page."""

    def replicas(self, arm: str) -> int:
        """What an arm's Deployment asks for."""
        return int(self.cluster.get("deployment", f"spam-{arm}")["spec"].get("replicas", 0))

    def look(self, seen: Watched, seconds: float) -> None:
        """Note how it stands now."""
        weights, loser = self.weights(), self.arm("v3")
        seen.moves += weights != seen.weights
        seen.weights = weights
        seen.reasons.add(self.condition("TrafficInSync").get("reason", ""))
        if seen.down_after is None and loser.get("reason") == "ScaledToZero":
            seen.down_after = seconds
        if seen.down_after is not None:
            seen.loser_weights.add(weights["v3"])
            seen.loser_replicas.add(self.replicas("v3"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCluster]:
    """An embedded cluster with the operator and Flux."""
    known = images()
    for arm in ARMS:
        name = renamed(SNIPPETS["Deployment"], arm)["spec"]["template"]["spec"]["containers"][0]["image"]
        known[name] = {"entrypoint": [sys.executable, str(MODEL), "8000"]}
    one = EmbeddedCluster(tmp_path_factory.mktemp("flux"), known)
    one.up()
    try:
        one.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        install_operator(one)
        flux.install_flux(one)
        yield one
    finally:
        one.down()


@pytest.fixture(scope="module")
def git(cluster: EmbeddedCluster, tmp_path_factory: pytest.TempPathFactory) -> flux.GitRepository:
    """The repository that Flux reads."""
    return flux.GitRepository(cluster, tmp_path_factory.mktemp("git") / "models")


def ready_revision(cluster: EmbeddedCluster) -> str:
    """The revision that Flux has applied, once it says Ready."""
    status = cluster.namespace(flux.NAMESPACE).get("kustomization", "models").get("status", {})
    ready: dict[str, Any] = next((one for one in status.get("conditions", []) if one["type"] == "Ready"), {})
    assert ready.get("status") == "True", ready.get("message", status)
    return str(status["lastAppliedRevision"])


def reconciles(cluster: EmbeddedCluster) -> float:
    """How often the kustomize-controller has reconciled."""
    counted = cluster.query('controller_runtime_reconcile_total{controller="kustomization",result!="error"}')
    return sum(value for _, value in counted)


def written(cluster: EmbeddedCluster, user: str) -> int:
    """How many patches of routes a user sent, the dry runs of Flux included."""
    return cluster.count_requests(user)["patch", "httproutes"]


@pytest.mark.parametrize(("way", "ignoring"), [(with_route_ref, True), (with_route_template, False)])
def test_flux_goes_round_and_no_weight_is_fought_over(
    cluster: EmbeddedCluster,
    git: flux.GitRepository,
    way: Callable[[int], list[dict[str, Any]]],
    ignoring: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rewards = RewardSource(cluster, NAMESPACE)
    rewards.steer("spam", v1=(40, 0.6), v2=(40, 0.6), v3=(40, 0.6))
    source = {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": "models", "namespace": flux.NAMESPACE},
        "spec": {"interval": EVERY, "url": flux.REPOSITORY, "ref": {"branch": "main"}},
    }
    kustomization = copy.deepcopy(SNIPPETS["Kustomization"])
    kustomization["spec"]["interval"] = EVERY
    if not ignoring:
        del kustomization["spec"]["ignore"]
    git.push("first", {"models/all.yaml": [*shared(), *way(0)]})
    cluster.apply(source, kustomization)
    models = Models(cluster, "spam", NAMESPACE, weights=dict.fromkeys(ARMS, 1))
    models.wait_for("Ready", "True", "InSync", seconds=120)
    for arm in ARMS:
        models.cluster.kubectl("rollout", "status", f"deploy/spam-{arm}", "--timeout=60s")
    before = (reconciles(cluster), *(written(cluster, who) for who in (OPERATOR_ACCOUNT, flux.ACCOUNT)))
    rewards.steer("spam", v1=(40, 0.6), v2=(40, 0.8), v3=(40, 0.1))

    seen = Watched(weights=models.weights())
    load = Load(cluster.endpoints.gateway)
    load.set("predict", RATE)
    try:
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < MINUTES * 60:
            if passed >= seen.commits * COMMIT_SECONDS:
                seen.commits += 1
                git.push(f"timeout {seen.commits}", {"models/all.yaml": [*shared(), *way(seen.commits)]})
            models.look(seen, passed)
            time.sleep(0.5)  # how often is looked, not what is waited for
        timeout = {"request": f"{20 + seen.commits}s"}
        wait_until(
            lambda: models.route()["spec"]["rules"][0].get("timeouts") == timeout,
            "the last commit arrives",
            60,
        )
        models.look(seen, MINUTES * 60)
        assert ready_revision(cluster)
    finally:
        load.end()
    requests = load.requests("predict")
    status = models.status()
    after = (reconciles(cluster), *(written(cluster, who) for who in (OPERATOR_ACCOUNT, flux.ACCOUNT)))
    rounds, own, theirs = (int(now - then) for now, then in zip(after, before, strict=True))
    with capsys.disabled():
        table = {
            "minutes": MINUTES,
            "reconciles of Flux": rounds,
            "commits": seen.commits,
            "patches of the route by Flux, dry runs included": theirs,
            "patches of the route by the operator": own,
            "looks with other weights than before": seen.moves,
            "foreignWeightChanges": status["foreignWeightChanges"],
            "seconds until the loser had no Pods": seen.down_after and round(seen.down_after),
            "its weights and replicas since": f"{seen.loser_weights}, {seen.loser_replicas}",
            "weights at the end": seen.weights,
            "requests, of them failed": f"{len(requests)}, {sum(1 for one in requests if one.error)}",
        }
        lines = [f"  {what:<50} {figure}\n" for what, figure in table.items()]
        sys.stdout.write(f"\n\n{way.__name__}\n{''.join(lines)}")
    assert (seen.loser_weights, seen.loser_replicas) == ({0}, {0})
    assert seen.moves > 0
    assert seen.weights["v2"] > seen.weights["v1"]
    assert "WeightsContested" not in seen.reasons
    assert status["foreignWeightChanges"] == 0
    assert [one for one in requests if one.error] == []
    # The next way begins with nothing: prune takes along what the Kustomization has made.
    cluster.namespace(flux.NAMESPACE).kubectl("delete", "kustomization", "models", "--timeout=90s")
    names = ("bd/spam", "httproute/spam", "--ignore-not-found", "-o", "name")
    wait_until(lambda: not models.cluster.kubectl("get", *names).strip(), "everything is pruned", 60)
