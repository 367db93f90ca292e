"""A rollout whose arms are Pods that answer requests, and all that is seen of it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import httpx

from bandit_operator.core.reasons import IMPLAUSIBLE
from bench.chaos.judge import Facts, Line
from bench.chaos.load import Load, Request
from bench.chaos.recorder import Recorder
from cluster.client import Cluster
from testbed.programs import program
from testbed.records import Object, Records, parse_time
from testbed.rollout import Rollout
from testbed.waiting import wait_until

MODEL = Path(__file__).with_name("served_model.py")
RATE = 40.0
"""Requests a second of a rollout."""
GATEWAY_REQUESTS = "traefik_service_requests_total"
SPEC: dict[str, Any] = {
    "guardrails": {"minTrials": 20, "minShare": "0.05"},
    "rollback": {"drain": "5s", "retryAfter": "0s", "requests": GATEWAY_REQUESTS},
}
"""What the rollouts here have beside the defaults: verdicts and drains that take seconds, not minutes."""
START_SECONDS = 90.0
OUT = frozenset({"Draining", "RolledBack"})


class Ground(Protocol):
    """What rollouts stand on."""

    @property
    def cluster(self) -> Cluster:
        """Where they are."""

    @property
    def recorder(self) -> Recorder:
        """What sees them."""

    @property
    def load(self) -> Load:
        """What sends to them."""

    @property
    def control(self) -> Path:
        """Folder of what their arms are told to do."""


class LiveRollout(Rollout):
    """A BanditDeployment with a Deployment for each arm; what it reads comes from the recorder."""

    def __init__(
        self,
        ground: Ground,
        namespace: str,
        name: str,
        means: Mapping[str, float],
        weights: Mapping[str, int] | None = None,
        scale: bool = True,
    ) -> None:
        """Prepare it; nothing is applied yet.

        Args:
            ground: What it stands on.
            namespace: Where.
            name: Of route and resource; the arms' objects are NAME-ARM.
            means: Mean reward of each arm; the first is the baseline.
            weights: At the start; equal if None.
            scale: Whether the arms have a scaleTargetRef.
        """
        super().__init__(ground.cluster, name, namespace, weights or dict.fromkeys(means, 5000))
        self._ground = ground
        self.means: dict[str, float] = {}
        self.worse: set[str] = set()
        """Arms that were worse than the baseline at some time."""
        self.backends = {arm: f"{name}-{arm}" for arm in means}
        """Service of each arm."""
        self.scale = scale
        self.parent: dict[str, Any] | None = None
        """Gateway of the route; the common one if None."""
        self.counts = True
        """Whether its trials are the answers of its own requests."""
        self.steer(**{arm: {"mean": mean} for arm, mean in means.items()})

    # ---- what it is made of ---------------------------------------------------------------

    def pods(self, arm: str, label: str | None = None, replicas: int = 1) -> list[dict[str, Any]]:
        """ConfigMap, Deployment and Service of an arm; what it counts is labelled with the arm's name."""
        made = program(
            self.namespace, f"{self.name}-{arm}", MODEL, 8000, self.name, label or arm,
            scraped=True, replicas=replicas,
        )  # fmt: skip
        pod = made[1]["spec"]["template"]["spec"]
        pod["volumes"].append({"name": "control", "hostPath": {"path": str(self._ground.control)}})
        pod["containers"][0]["volumeMounts"].append({"name": "control", "mountPath": "/control"})
        return made

    def resource(self, **spec: Any) -> dict[str, Any]:
        """The BanditDeployment; ``spec`` replaces fields of the default one."""
        arms = [
            {"name": arm, "backendRef": {"name": self.backends[arm]}}
            | ({"scaleTargetRef": {"name": self.backends[arm]}} if self.scale else {})
            for arm in self.arms
        ]
        return super().resource(**{"arms": arms, **SPEC, **spec})

    def route_object(self) -> dict[str, Any]:
        """The route, whose backends are the arms'."""
        route = super().route_object()
        for arm, ref in zip(self.arms, route["spec"]["rules"][0]["backendRefs"], strict=True):
            ref["name"] = self.backends[arm]
        if self.parent is not None:
            route["spec"]["parentRefs"] = [self.parent]
        return route

    def start(self, *others: Object, rate: float = RATE, **spec: Any) -> None:
        """Apply everything, and send requests once the operator counts, until it learns."""
        made = [part for arm in self.arms for part in self.pods(arm)]
        self.cluster.apply(*(dict(one) for one in (*made, *others)))
        self.start_route(self.route_object())
        self.start_resource(**spec)
        self.send(rate)
        self.wait("it learns", lambda: float(self.arm(self.arms[0]).get("trials") or 0) > 0, START_SECONDS)

    def start_route(self, route: Object) -> None:
        """Apply the route alone, and wait until the gateway serves it."""
        self.wait("its Pods are ready", lambda: all(self.endpoints(arm) for arm in self.arms), START_SECONDS)
        self.cluster.apply(dict(route))
        wait_until(partial(self._is_served), f"{self.name} is served by the gateway", START_SECONDS)

    def start_resource(self, **spec: Any) -> None:
        """Apply the BanditDeployment once Prometheus knows its arms; wait until the operator counts."""
        if self.counts:
            self.wait("Prometheus has its series", self._is_scraped, START_SECONDS)
        self.cluster.apply(self.resource(**spec))
        self.wait("the operator counts", lambda: "cursor" in self.status(), START_SECONDS)

    def _is_scraped(self) -> bool:
        series = self._ground.cluster.query(f'model_reward_trials_total{{route="{self.name}"}}')
        return {labels["arm"] for labels, _ in series} >= set(self.arms)

    def _is_served(self) -> bool:
        return httpx.get(f"{self.cluster.endpoints.gateway}/{self.name}/probe", timeout=5).status_code == 200

    # ---- what is done to it ---------------------------------------------------------------

    def steer(self, **arms: Mapping[str, Any]) -> None:
        """Change what arms do: ``steer(bad={"mean": 0.1})``; fields are those of ``Behaviour``."""
        for arm, told in arms.items():
            file = self._ground.control / f"{self.name}.{arm}.json"
            before = json.loads(file.read_text()) if file.exists() else {}
            new = file.with_suffix(".new")
            new.write_text(json.dumps({**before, **told}))
            new.replace(file)
            self.means[arm] = told.get("mean", self.means.get(arm, 0.5))
        best = self.means.get(self.arms[0], 0.0)
        self.worse |= {arm for arm, mean in self.means.items() if mean < best}

    def send(self, rate: float) -> None:
        """Send so many requests a second."""
        self._ground.load.set(self.name, rate)

    # ---- what is seen ---------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """Its status as the recorder has it."""
        return dict(self._ground.recorder.newest("banditdeployments", self.name).get("status", {}))

    def route(self) -> dict[str, Any]:
        """The route as the recorder has it."""
        return dict(self._ground.recorder.newest("httproutes", self.name))

    def weights(self) -> dict[str, int]:
        """The route's weights by arm, of those in the rule."""
        return self._weights_of(self.route())

    def share(self, arm: str) -> float:
        """An arm's part of the arms' weight."""
        weights = self.weights()
        return weights.get(arm, 0) / max(1, sum(weights.values()))

    def _weights_of(self, route: Mapping[str, Any]) -> dict[str, int]:
        rules = route.get("spec", {}).get("rules", [])
        given = {
            ref["name"]: ref.get("weight", 1) for rule in rules[:1] for ref in rule.get("backendRefs", [])
        }
        return {arm: given[name] for arm, name in self.backends.items() if name in given}

    def endpoints(self, arm: str) -> bool:
        """Whether something is ready behind an arm's Service."""
        return bool(self._endpoints(self.backends[arm]).at(time.time()))

    def servable_now(self) -> dict[str, bool]:
        """Whether each arm can serve, as the cluster has it."""
        routes = self._ground.recorder.line("httproutes", self.name).entries
        return {arm: bool(self._servable(arm, routes).at(time.time())) for arm in self.arms}

    def endpoints_since(self, arm: str) -> float:
        """When an arm got its ready endpoint last, in seconds since 1970; infinite where it has none."""
        spans = self._endpoints(self.backends[arm]).spans(time.time(), bool)
        return spans[-1][0] if spans and self.endpoints(arm) else float("inf")

    def carried(self) -> Line[Mapping[str, int]]:
        """The route's weights by arm, over time."""
        entries = self._ground.recorder.line("httproutes", self.name).entries
        return Line([(at, self._weights_of(route)) for at, route in entries])

    def routes(self) -> list[Object]:
        """Every version of the route that was seen, oldest first."""
        return [body for _, body in self._ground.recorder.line("httproutes", self.name).entries if body]

    def replicas(self, arm: str) -> int:
        """What an arm's Deployment asks for."""
        deployment = self._ground.recorder.newest("deployments", self.backends[arm])
        return int(deployment.get("spec", {}).get("replicas", 0))

    def events(self) -> list[dict[str, Any]]:
        """The Events about it, as they were written first."""
        recorder = self._ground.recorder
        found = [recorder.line("events", name).entries[0][1] for name in recorder.names("events")]
        return [
            dict(one) for one in found
            if one.get("regarding", {}).get("name") == self.name
            and one.get("regarding", {}).get("kind") == "BanditDeployment"
        ]  # fmt: skip

    def reasons(self) -> set[str]:
        """The reasons of those Events."""
        return {event["reason"] for event in self.events()}

    def requests(self) -> list[Request]:
        """What became of its requests."""
        return self._ground.load.requests(self.name)

    def patch_route(self, *operations: Mapping[str, Any]) -> None:
        """Change the route by a JSON Patch, as another hand would."""
        self.cluster.kubectl("patch", "httproute", self.name, "--type=json", "-p", json.dumps(operations))

    def crashes(self, arm: str) -> list[float]:
        """When processes of an arm have failed, as they noted it, in seconds since 1970."""
        file = self._ground.control / f"{self.name}.{arm}.crashes"
        return [float(line) for line in file.read_text().split()] if file.exists() else []

    def failed_since(self, start: float) -> int:
        """How many requests that were sent since then have failed."""
        return sum(one.sent >= start and bool(one.error) for one in self.requests())

    def wait(self, what: str, condition: Any, seconds: float) -> None:
        """Wait for a condition.

        Raises:
            AssertionError: It does not hold in so many seconds.
        """
        wait_until(condition, f"{self.name}: {what}", seconds)

    def wait_for_state(self, arm: str, *states: str, seconds: float = 60) -> None:
        """Wait for an arm to be in one of some states."""

        def reached() -> bool:
            assert self.arm(arm).get("state") in states, self.arm(arm)
            return True

        self.wait(f"{arm} is {' or '.join(states)}", reached, seconds)

    # ---- what is judged -------------------------------------------------------------------

    def records(self) -> Records:
        """All decisions that any version of the status has shown."""
        records = Records()
        for _, body in self._ground.recorder.line("banditdeployments", self.name).entries:
            records.add(body.get("status", {}))
        return records

    def facts(self, strokes: list[float], since: float, until: float) -> Facts:
        """What was seen of it."""
        recorder = self._ground.recorder
        versions = recorder.line("banditdeployments", self.name)
        statuses = [(at, body.get("status", {})) for at, body in versions.entries]
        routes = recorder.line("httproutes", self.name).entries
        states: dict[str, Line[str]] = {arm: Line() for arm in self.arms}
        meant: Line[Mapping[str, int]] = Line()
        said: Line[tuple[str, str]] = Line()
        for at, status in statuses:
            weights = {}
            for arm in status.get("arms", []):
                states.setdefault(arm["name"], Line()).add(at, arm.get("state", ""))
                if "weight" in arm:
                    weights[arm["name"]] = arm["weight"]
            meant.add(at, weights)
            ready = [one for one in status.get("conditions", []) if one["type"] == "Ready"]
            said.add(at, (ready[0]["status"], ready[0]["reason"]) if ready else ("Unknown", "NoStatus"))
        return Facts(
            servable={arm: self._servable(arm, routes) for arm in self.backends},
            carried=self.carried(),
            meant=meant,
            said=said,
            states=states,
            requests=self.requests(),
            strokes=strokes,
            until=until,
            worse=frozenset(self.worse),
            from_status=since,
        )

    def _endpoints(self, service: str) -> Line[bool]:
        recorder, label = self._ground.recorder, "kubernetes.io/service-name"
        slices = []
        for name in recorder.names("endpointslices"):
            line = recorder.line("endpointslices", name)
            labels = [body.get("metadata", {}).get("labels", {}) for _, body in line.entries]
            if any(one.get(label) == service for one in labels):
                slices.append(Line([(at, _ready_in(body)) for at, body in line.entries]))
        times = sorted({at for line in slices for at in line.times})
        return Line([(at, any(line.at(at) for line in slices)) for at in times])

    def _servable(self, arm: str, routes: list[tuple[float, Object]]) -> Line[bool]:
        service = self.backends[arm]
        endpoints = self._endpoints(service)
        placed = Line(
            [
                (at, arm in self._weights_of(route) and _accepted(route) and not _unresolved(route, service))
                for at, route in routes
            ]
        )
        times = sorted({*endpoints.times, *placed.times})
        return Line([(at, bool(endpoints.at(at) and placed.at(at))) for at in times])


def _ready_in(endpoint_slice: Object) -> bool:
    if not endpoint_slice.get("ports"):
        return False  # its Pods lack the port that the Service names
    said = [one.get("conditions", {}) for one in endpoint_slice.get("endpoints") or []]
    return any(one.get("ready", True) and one.get("serving", True) for one in said)


def _conditions(route: Object, kind: str) -> list[Object]:
    parents = route.get("status", {}).get("parents", [])
    return [one for parent in parents for one in parent.get("conditions", []) if one["type"] == kind]


def _accepted(route: Object) -> bool:
    """Whether a gateway has accepted the route, in whatever version."""
    return any(one["status"] == "True" for one in _conditions(route, "Accepted"))


def _unresolved(route: Object, service: str) -> bool:
    """Whether a gateway says that it cannot resolve this backend."""
    said = [one for one in _conditions(route, "ResolvedRefs") if one["status"] == "False"]
    return any(service in one.get("message", "") for one in said)


def answers_by_arm(requests: list[Request]) -> dict[str, float]:
    """Return how many requests each arm has answered."""
    found: dict[str, float] = {}
    for one in requests:
        if one.arm:
            found[one.arm] = found.get(one.arm, 0.0) + 1
    return found


def windows_left_out(records: Records) -> dict[str, list[tuple[float, float]]]:
    """Return by arm the windows of which the operator said that it did not believe or have its numbers."""
    found: dict[str, list[tuple[float, float]]] = {}
    for record in records.ticks:
        span = (parse_time(record["window"]["start"]), parse_time(record["window"]["end"]))
        arms = {*record.get("implausible", {}), *record.get("missing", {})}
        seen = record.get("observations", {})
        arms |= {arm for arm, one in seen.items() if float(one["rewards"]) > float(one["trials"])}
        if record["reason"] in IMPLAUSIBLE:  # the message names the arm; the record has what was read
            arms |= {arm for arm in seen if record["message"].startswith(f"arm {arm}:")}
        for arm in arms:
            found.setdefault(arm, []).append(span)
    return found


def counted_by_arm(records: Records) -> dict[str, float]:
    """Return the trials that the operator has counted for each arm."""
    found: dict[str, float] = {}
    for record in records.ticks:
        for arm, seen in record.get("observations", {}).items():
            found[arm] = found.get(arm, 0.0) + float(seen["trials"])
    return found
