"""A rollout in Git, by the snippets of docs/gitops.md, and what is seen while a controller applies it."""

from __future__ import annotations

import copy
import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bench.chaos.load import Load
from cluster.client import EmbeddedCluster
from testbed.git_repository import GitRepository
from testbed.installation import OPERATOR_ACCOUNT, images, install_operator
from testbed.reward_source import RewardSource
from testbed.rollout import Rollout
from testbed.waiting import wait_until

PAGE = Path("docs/gitops.md").read_text(encoding="utf-8")
SNIPPETS: dict[str, dict[str, Any]] = {
    one["kind"]: one
    for one in (yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL))
}
MINUTES = float(os.environ.get("MINUTES", "10"))
"""How long each way is watched."""
EVERY = "10s"
"""Interval of the controllers in the place of the page's: so that a minute has six rounds."""
COMMIT_SECONDS = 20.0
"""Between two commits that change a field beside the weights, so that there is something to apply."""
RATE = 20.0
"""Requests a second."""
NAMESPACE = "models"
ARMS = ("v1", "v2", "v3")
MODEL = Path("testbed/counting_model.py").absolute()

Objects = list[dict[str, Any]]


def renamed(document: dict[str, Any], arm: str) -> dict[str, Any]:
    """The page's manifest of arm v2 for another arm."""
    changed: dict[str, Any] = json.loads(json.dumps(document).replace("v2", arm))
    return changed


def shared() -> Objects:
    """What every way has in Git beside route and resource: the page's Deployments, and their Services."""
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


def with_route_ref(change: Callable[[dict[str, Any]], None]) -> Objects:
    """The route in Git, with a change, and the resource that names it."""
    route = copy.deepcopy(SNIPPETS["HTTPRoute"])
    del route["metadata"]["annotations"]  # of the way for older Flux
    change(route)
    resource = copy.deepcopy(SNIPPETS["BanditDeployment"])
    resource["spec"]["traffic"] = {"routeRef": {"name": "spam"}}
    for arm in resource["spec"]["arms"]:
        del arm["backendRef"]["port"]  # the route has them
    return [route, _quickened(resource)]


def with_route_template(commit: int) -> Objects:
    """No route in Git: each commit changes the request timeout in the template."""
    resource = copy.deepcopy(SNIPPETS["BanditDeployment"])
    template = resource["spec"]["traffic"]["routeTemplate"]
    template["deletionPolicy"] = "Delete"  # the next way begins without it
    template["spec"]["timeouts"] = timeout(commit)
    return [_quickened(resource)]


def timeout(commit: int) -> dict[str, str]:
    """The timeouts of the route's rule with a commit."""
    return {"request": f"{20 + commit}s"}


def has_timeout(route: Mapping[str, Any], commit: int) -> bool:
    """Whether the change of a commit has come to the route, where it is one of the timeout."""
    return bool(route["spec"]["rules"][0].get("timeouts") == timeout(commit))


def _quickened(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource with an interval of seconds, whose losers are not tried again."""
    resource["spec"] |= {"interval": "5s", "rollback": {"drain": "3s", "retryAfter": "0s"}}
    resource["spec"]["reward"]["prometheus"]["settle"] = "3s"
    return resource


def start(folder: Path) -> EmbeddedCluster:
    """Return an embedded cluster that runs, with the operator and the page's models."""
    known = images()
    for arm in ARMS:
        name = renamed(SNIPPETS["Deployment"], arm)["spec"]["template"]["spec"]["containers"][0]["image"]
        known[name] = {"entrypoint": [sys.executable, str(MODEL), "8000"]}
    one = EmbeddedCluster(folder, known)
    one.up()
    one.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    install_operator(one)
    return one


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
    foreign: int = 0
    """``foreignWeightChanges`` of the status at the end."""
    failed: int = 0
    """Requests without an answer, or with one that is no success."""

    def check(self) -> None:
        """Hold that the evidence had its way whoever applied, and that nobody fought.

        Raises:
            AssertionError: It had not.
        """
        assert (self.loser_weights, self.loser_replicas) == ({0}, {0})
        assert self.moves > 0
        assert self.weights["v2"] > self.weights["v1"]
        assert "WeightsContested" not in self.reasons
        assert self.failed == 0


class Models(Rollout):
    """The rollout of the page."""

    def __init__(self, cluster: EmbeddedCluster) -> None:
        super().__init__(cluster, "spam", NAMESPACE, weights=dict.fromkeys(ARMS, 1))

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


@dataclass(frozen=True)
class Way:
    """How a rollout is in Git, and by whom it is applied."""

    name: str
    in_git: Callable[[int], Objects]
    """Route and resource with a commit."""
    arrived: Callable[[Mapping[str, Any], int], bool]
    """Whether the change of a commit has come to the route."""
    account: str
    """Who applies."""
    rounds: Callable[[], float]
    """How often it has looked at Git so far."""


def first_commit(cluster: EmbeddedCluster, git: GitRepository, way: Way, *applied: dict[str, Any]) -> None:
    """Commit, have it applied by these objects, and wait until equal arms serve."""
    RewardSource(cluster, NAMESPACE).steer("spam", v1=(40, 0.6), v2=(40, 0.6), v3=(40, 0.6))
    git.push("first", {"models/all.yaml": [*shared(), *way.in_git(0)]})
    cluster.apply(*applied)
    models = Models(cluster)
    models.wait_for("Ready", "True", "InSync", seconds=180)
    for arm in ARMS:
        models.cluster.kubectl("rollout", "status", f"deploy/spam-{arm}", "--timeout=60s")


def watch(cluster: EmbeddedCluster, git: GitRepository, way: Way) -> tuple[Watched, str]:
    """Watch one arm win and one lose while commits go on; gives what was seen, and a table of it to print."""
    models, load = Models(cluster), Load(cluster.endpoints.gateway)
    before = _counts(cluster, way)
    RewardSource(cluster, NAMESPACE).steer("spam", v1=(40, 0.6), v2=(40, 0.8), v3=(40, 0.1))
    seen = Watched(weights=models.weights())
    load.set("predict", RATE)
    try:
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < MINUTES * 60:
            if passed >= seen.commits * COMMIT_SECONDS:
                seen.commits += 1
                git.push(str(seen.commits), {"models/all.yaml": [*shared(), *way.in_git(seen.commits)]})
            models.look(seen, passed)
            time.sleep(0.5)  # how often is looked, not what is waited for
        wait_until(lambda: way.arrived(models.route(), seen.commits), "the last commit arrives", 60)
        models.look(seen, MINUTES * 60)
    finally:
        load.end()
    requests = load.requests("predict")
    seen.failed = sum(1 for one in requests if one.error)
    seen.foreign = models.status()["foreignWeightChanges"]
    rounds, own, theirs = (now - then for now, then in zip(_counts(cluster, way), before, strict=True))
    table = {
        "minutes": MINUTES,
        "rounds": rounds,
        "commits": seen.commits,
        "patches of the route by who applies it, dry runs included": theirs,
        "patches of the route by the operator": own,
        "looks with other weights than before": seen.moves,
        "foreignWeightChanges": seen.foreign,
        "seconds until the loser had no Pods": seen.down_after and round(seen.down_after),
        "its weights and replicas since": f"{seen.loser_weights}, {seen.loser_replicas}",
        "weights at the end": seen.weights,
        "requests, of them failed": f"{len(requests)}, {seen.failed}",
    }
    lines = [f"  {what:<60} {figure}\n" for what, figure in table.items()]
    return seen, f"\n\n{way.name}\n{''.join(lines)}"


def is_pruned(cluster: EmbeddedCluster) -> bool:
    """Whether neither resource nor route is there any more, so that the next way begins with nothing."""
    names = ("bd/spam", "httproute/spam", "--ignore-not-found", "-o", "name")
    return not cluster.namespace(NAMESPACE).kubectl("get", *names).strip()


def _counts(cluster: EmbeddedCluster, way: Way) -> tuple[int, ...]:
    """Rounds, and patches of routes by the operator and by who applies them."""
    written = (cluster.count_requests(who)["patch", "httproutes"] for who in (OPERATOR_ACCOUNT, way.account))
    return (int(way.rounds()), *written)
