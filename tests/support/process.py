"""A rollout in the process: the real reconciler, caches and core on a fake API server and rewards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bandit_operator.adapters.notices import Notice
from bandit_operator.api.record import unpacked
from bandit_operator.api.references import Key
from bandit_operator.api.v1alpha1 import parse
from bandit_operator.core import reasons
from bandit_operator.core.model import Shadowed, SourceDown
from bandit_operator.reconcile.reconciler import Reconciler
from bandit_operator.runtime.clock import Clock
from bandit_operator.runtime.scheduler import Requeue
from bandit_operator.runtime.telemetry import Metrics
from bandit_operator.watch.cache import Cache
from bandit_operator.watch.exposed import Exposed
from tests.support.fake_api import (
    FakeAPI,
    copied,
    deployment_of,
    endpoints_of,
    gateway_of,
    resource_of,
    route_of,
)
from tests.support.fake_rewards import FakeRewards
from tests.support.objects import (
    NAMESPACE,
    PARENT,
    ROLLOUT,
    deployment_body,
    gateway_body,
    route_body,
    spec_of,
)

START = 1_000_000_020.0
"""A point of the grid of 30 s, in seconds since the Unix epoch."""
GATEWAY = gateway_of(PARENT["name"], PARENT["namespace"])
"""Path of the Gateway that carries the route."""
SCALED: dict[str, str] = {"kind": "Deployment"}
"""A scale target of the usual kind."""


class Process:
    """One replica of the operator, without its loops, on a rollout of two arms or more.

    Times are seconds; nothing here waits.
    """

    name = ROLLOUT
    clock_offset = 0.0
    """What the wall clock was set by."""

    def __init__(
        self,
        arms: tuple[str, ...] = ("good", "bad"),
        scale_target: dict[str, str] | None = SCALED,
        **spec: Any,
    ) -> None:
        """Make the objects and start the process.

        Args:
            arms: names, of which the first is the baseline.
            scale_target: what each arm's scaleTargetRef has besides the name; None for no target.
            spec: fields of the spec.
        """
        self.arms = arms
        self.api = FakeAPI()
        self.now = START + 10
        self.spec = spec_of(arms, scale_target, made="routeTemplate" in spec.get("traffic", {})) | spec
        self.api.put(self.path, self._resource())
        self.api.put(GATEWAY, gateway_body())
        if "routeRef" in self.spec["traffic"]:
            self.api.put(self.route_path, route_body(self.name, self.arms))
        self.services = {arm: arm for arm in arms}
        """The Service of each arm's backendRef."""
        self.broken: set[str] = set()
        """Arms whose Pods do not become ready, whatever is asked for."""
        for arm in arms:
            self.api.put(deployment_of(arm, NAMESPACE), deployment_body(arm))
            self.set_available(arm, 2)
        self.earning: Any = dict.fromkeys(arms, (500.0, 250.0))
        self.requests: dict[str, float] = {}
        self.guards: dict[str, dict[str, float]] = {}
        """What each guard measures, by guard and arm."""
        self.shadow: Shadowed | None = None
        """What the shadow scores a window."""
        self.samples_apart: float | None = None
        """Seconds from one sample of the rewards to the next, where that is known."""
        self.accepted: dict[str, int] = {}
        """Weights that the gateway has accepted last."""
        self.past: set[str] = set()
        """Reasons of conditions and arms that the status has shown at any time."""
        self.notices: list[Notice] = []
        """What people were told, over all restarts."""
        self._read: tuple[Any, dict[str, Any]] = ({}, {})
        self.start()

    # ---- where things are -----------------------------------------------------------------

    @property
    def key(self) -> Key:
        """Key of the resource."""
        return (NAMESPACE, self.name)

    @property
    def path(self) -> str:
        """Path of the resource."""
        return resource_of(self.name, NAMESPACE)

    @property
    def route_path(self) -> str:
        """Path of its route."""
        return route_of(self.name, NAMESPACE)

    @property
    def status(self) -> dict[str, Any]:
        """Its status, with what is in its record, to be read only; empty while it is not there."""
        stored = self.api.objects.get(self.path, {}).get("status", {})
        if stored != self._read[0]:  # what worlds are held to is looked up many times a pass
            self._read = copied(stored), unpacked(stored)
        return self._read[1]

    def condition(self, kind: str) -> dict[str, Any]:
        """One condition."""
        return next(one for one in self.status["conditions"] if one["type"] == kind)

    def arm(self, name: str) -> dict[str, Any]:
        """The status of one arm."""
        found: dict[str, Any] = next(one for one in self.status["arms"] if one["name"] == name)
        return found

    def weights(self) -> dict[str, int]:
        """What the route carries, by arm; by Service for backends that are no arm; empty without one."""
        route = self.api.objects.get(self.route_path)
        refs = () if route is None else route["spec"]["rules"][0]["backendRefs"]
        arms = {service: arm for arm, service in self.services.items()}
        return {arms.get(ref["name"], ref["name"]): ref.get("weight", 1) for ref in refs}

    def replicas(self, arm: str) -> int:
        """What an arm's Deployment asks for."""
        return int(self.api.objects[deployment_of(arm, NAMESPACE)]["spec"].get("replicas", 0))

    def events(self) -> list[str]:
        """Reasons of the events that were posted."""
        return [write.body["reason"] for write in self.api.writes if write.what == "event"]

    # ---- what happens ---------------------------------------------------------------------

    def start(self) -> None:
        """Start the process, or start again after a crash: only the API server's objects are left."""
        self.cache = Cache()
        self._brought: dict[str, str] = {}  # resourceVersions that the watches have brought, by path
        self.metrics = Metrics()
        self.metrics.registry.register(Exposed(self.cache, lambda _: True))
        self.observer = self.make_observer()
        self.observer.windows = []
        clock = Clock(lambda: self.now + self.clock_offset, lambda: self.now)
        self.reconciler = Reconciler(
            self.cache, self.api, self.observer, clock, self.metrics, "replica", notify=self.notices.extend
        )
        self.watch()

    def go_on_from(self, other: Process) -> None:
        """Start in the cluster of another process, at its time."""
        self.api.objects = copied(other.api.objects)
        self.api.version = other.api.version
        self.now, self.accepted = other.now, dict(other.accepted)
        self.start()

    def make_observer(self) -> FakeRewards:
        """Where rewards come from."""
        return FakeRewards(self.cache, None, None, None)  # type: ignore[arg-type]  # none is asked

    def watch(self) -> None:
        """Let the watches bring everything that has changed."""
        for path, body in self.api.objects.items():
            version = body["metadata"]["resourceVersion"]
            if self._brought.get(path) == version:
                continue
            self._brought[path] = version
            if "/banditdeployments/" in path:
                self.cache.put_resource(copied(body))
            elif "/httproutes/" in path:
                self.cache.put_route("HTTPRoute", copied(body))
            elif "/deployments/" in path:
                self.cache.put_target("Deployment", copied(body))
                self.cache.put_service("Service", body)
            elif "/gateways/" in path:
                self.cache.gateways.put("Gateway", copied(body))
            elif "/endpointslices/" in path:
                self.cache.endpoints.put(copied(body))

    def gateway(
        self,
        accepted: bool = True,
        *,
        unresolved: str | None = None,
        lagging: bool = False,
        second: bool | None = None,
    ) -> None:
        """Let the gateway look at the route: it accepts the present generation, or refuses it.

        Args:
            accepted: whether it accepts.
            unresolved: what it says where it cannot resolve a backend.
            lagging: whether a second gateway is still at the first generation.
            second: whether a second gateway accepts; None where there is none.
        """
        route = self.api.objects.get(self.route_path)
        if route is None:
            return
        at = {"observedGeneration": route["metadata"]["generation"]}
        resolved = {"type": "ResolvedRefs", "status": str(unresolved is None), "message": unresolved or ""}
        first = [{"type": "Accepted", "status": str(accepted), **at}, {**resolved, **at}]
        parents = [{"parentRef": PARENT, "conditions": first}]
        if lagging:
            old = {"type": "Accepted", "status": "True", "observedGeneration": 1}
            parents.append({"conditions": [old]})
        if second is not None:
            parents.append({"conditions": [{"type": "Accepted", "status": str(second), **at}]})
        self.api.put(self.route_path, {**route, "status": {"parents": parents}})
        if accepted and not lagging and second is not False and self._is_programmed():
            self.accepted = self.weights()

    def program(self, words: str | None = None) -> None:
        """The Gateway says why its data plane does not carry what it has accepted, or that it does again."""
        said = {
            "type": "Programmed",
            "status": str(words is None),
            "reason": "Invalid",
            "message": words or "",
        }
        self.api.put(GATEWAY, {**self.api.objects[GATEWAY], "status": {"conditions": [said]}})

    def _is_programmed(self) -> bool:
        conditions = self.api.objects.get(GATEWAY, {}).get("status", {}).get("conditions") or ()
        return all(one["status"] == "True" for one in conditions)

    def delete_gateway(self) -> None:
        """Somebody deletes the Gateway."""
        self.api.delete(GATEWAY)
        self._brought.pop(GATEWAY, None)
        self.cache.drop("Gateway", (PARENT["namespace"], PARENT["name"]))

    def kubelet(self) -> None:
        """Let every Deployment have the Pods that it asks for."""
        for arm in self.arms:
            if deployment_of(arm, NAMESPACE) in self.api.objects and arm not in self.broken:
                self.set_available(arm, self.replicas(arm))

    def scale(self, arm: str, replicas: int) -> None:
        """Another hand sets an arm's replicas."""
        path = deployment_of(arm, NAMESPACE)
        body = self.api.objects[path]
        self.api.put(path, {**body, "spec": {**body["spec"], "replicas": replicas}})

    def rename_backend(self, arm: str, service: str) -> None:
        """The user points an arm, and its place in the route, at another Service."""
        self.api.put(deployment_of(service, NAMESPACE), deployment_body(service))
        self.services[arm] = service
        self.set_available(arm, self.replicas(arm))
        arms = copied(self.api.objects[self.path]["spec"]["arms"])
        before = next(one for one in arms if one["name"] == arm)["backendRef"]["name"]
        next(one for one in arms if one["name"] == arm)["backendRef"]["name"] = service
        self.update_spec(arms=arms)

        def change(spec: dict[str, Any]) -> None:
            for ref in spec["rules"][0]["backendRefs"]:
                ref["name"] = service if ref["name"] == before else ref["name"]

        self.update_route(change)

    def set_weights(self, **weights: int) -> None:
        """Another writer sets weights."""
        route = copied(self.api.objects[self.route_path])
        for ref in route["spec"]["rules"][0]["backendRefs"]:
            arm = next((one for one, service in self.services.items() if service == ref["name"]), ref["name"])
            ref["weight"] = weights.get(arm, ref["weight"])
        self.api.put(self.route_path, route)

    def set_template(self, arm: str, image: str, old_pods: int = 0) -> None:
        """The user deploys another image for an arm; so many Pods of the one before still run."""
        path = deployment_of(arm, NAMESPACE)
        body = copied(self.api.objects[path])
        body["spec"]["template"] = {"spec": {"containers": [{"image": image}]}}
        body["status"] |= {
            "observedGeneration": body["metadata"]["generation"] + 1,
            "replicas": body["spec"]["replicas"] + old_pods,
            "updatedReplicas": body["spec"]["replicas"],
        }
        self.api.put(path, body)

    def end_rolling_update(self, arm: str) -> None:
        """The last old Pod of an arm goes."""
        path = deployment_of(arm, NAMESPACE)
        body = copied(self.api.objects[path])
        body["status"]["replicas"] = body["status"]["updatedReplicas"]
        self.api.put(path, body)

    def set_available(self, arm: str, available: int) -> None:
        """So many Pods of an arm can serve; where some can, they are not ``broken`` (any more)."""
        if available:
            self.broken.discard(arm)
        path = deployment_of(arm, NAMESPACE)
        status = {**self.api.objects[path]["status"], "availableReplicas": available}
        self.api.put(path, {**self.api.objects[path], "status": status})
        service = self.services.get(arm, arm)
        labels = {"kubernetes.io/service-name": service}
        metadata = {
            "name": f"{service}-1",
            "namespace": NAMESPACE,
            "uid": f"slice-{service}",
            "labels": labels,
        }
        pods = [{"kind": "Pod", "name": f"{service}-7d4b9c6f5d-x2b{n}c"} for n in range(2, 2 + available)]
        endpoints = [
            {"addresses": ["10.0.0.1"], "conditions": {"ready": True}, "targetRef": pod} for pod in pods
        ]
        self.api.put(endpoints_of(service, NAMESPACE), {"metadata": metadata, "endpoints": endpoints})

    def hinder(self, arm: str, words: str | None) -> None:
        """The controller of an arm's Deployment says why it can make no Pods, or that it can again."""
        path = deployment_of(arm, NAMESPACE)
        said = [] if words is None else [{"type": "ReplicaFailure", "status": "True", "message": words}]
        body = self.api.objects[path]
        self.api.put(path, {**body, "status": {**body["status"], "conditions": said}})

    def update_route(self, change: Callable[[dict[str, Any]], None]) -> None:
        """The user changes the route's spec."""
        route = copied(self.api.objects[self.route_path])
        change(route["spec"])
        self.api.put(self.route_path, route)

    def delete_route(self) -> None:
        """Somebody deletes the route."""
        self.api.delete(self.route_path)
        self._brought.pop(self.route_path, None)
        self.cache.drop("HTTPRoute", self.key)

    def update_spec(self, **spec: Any) -> None:
        """The user changes the spec."""
        body = copied(self.api.objects[self.path])
        self.api.put(self.path, {**body, "spec": {**body["spec"], **spec}})

    def annotate(self, **annotations: str) -> None:
        """The user sets annotations of the resource, of which the names are given without their domain."""
        body = copied(self.api.objects[self.path])
        named = {f"bandit-operator.dev/{name.replace('_', '-')}": text for name, text in annotations.items()}
        body["metadata"]["annotations"] = {**body["metadata"].get("annotations", {}), **named}
        self.api.put(self.path, body)

    def set_state(self, arm: str, state: str) -> None:
        """The user sets an arm Out, or In again."""
        arms = copied(self.api.objects[self.path]["spec"]["arms"])
        next(one for one in arms if one["name"] == arm)["state"] = state
        self.update_spec(arms=arms)

    async def look(self, *, tick: bool = False) -> Requeue | None:
        """One pass, on what the watches have brought."""
        self.watch()
        self.observer.earning, self.observer.requests = self.earning, self.requests
        self.observer.guards, self.observer.shadow = self.guards, self.shadow
        self.observer.samples_apart, self.observer.count = self.samples_apart, self.metrics.requests.inc
        requeue = await self.reconciler.reconcile(self.key, tick)
        self.past |= {one["reason"] for one in self.status.get("conditions") or []}
        self.past |= {one["reason"] for one in self.status.get("arms") or [] if "reason" in one}
        return requeue

    async def tick(self, times: int = 1, seconds: float = 30.0) -> Requeue | None:
        """Let time pass, and make the passes that are due; gateway and kubelet keep up."""
        requeue = None
        for _ in range(times):
            self.now += seconds
            self.gateway()
            self.kubelet()
            requeue = await self.look(tick=True)
        return requeue

    # ---- objects --------------------------------------------------------------------------

    def _resource(self) -> dict[str, Any]:
        metadata = {"name": self.name, "namespace": NAMESPACE, "uid": "2c1b"}
        body = {
            "apiVersion": "bandit-operator.dev/v1alpha1",
            "kind": "BanditDeployment",
            "metadata": {**metadata, "creationTimestamp": "2026-01-01T00:00:00Z"},
        }
        parsed = parse({**body, "spec": self.spec})  # fills in the defaults, as the API server does
        spec = parsed.spec.model_dump(by_alias=True, exclude_none=True, mode="json")
        return {**body, "spec": spec}


DOWN = SourceDown(reasons.UNREACHABLE, "Prometheus at http://prometheus cannot be reached: refused")
"""A Prometheus that is not there."""
