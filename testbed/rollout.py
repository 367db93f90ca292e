"""A route, its Services and a BanditDeployment, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from bandit_operator.api.record import unpacked
from cluster.client import Cluster
from testbed.reward_source import SOURCE
from testbed.waiting import wait_until

Object = dict[str, Any]


class Rollout:
    """One BanditDeployment with arms "good" (the baseline) and "bad", or others.

    The arms are Services; Pods behind them are only needed by tests that send requests or scale.
    """

    def __init__(
        self,
        cluster: Cluster,
        name: str,
        namespace: str,
        weights: Mapping[str, int] | None = None,
        kind: str = "HTTPRoute",
    ) -> None:
        self.namespace = namespace
        self.cluster = cluster.namespace(namespace)
        self.name = name
        self.kind = kind
        self.start_weights = dict(weights or {"good": 5000, "bad": 5000})

    @property
    def arms(self) -> list[str]:
        """Names of the arms."""
        return list(self.start_weights)

    def services(self) -> list[Object]:
        """One Service for each arm; what answers behind it is the reward source, where no other Pods do."""
        return [
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": f"{self.name}-{arm}", "namespace": self.namespace},
                "spec": {
                    "selector": {"app": SOURCE},
                    "ports": [{"port": 80, "targetPort": 8000}],
                },
            }
            for arm in self.arms
        ]

    def gateways(self) -> list[Object]:
        """The Gateway that a GRPCRoute needs for itself."""
        if self.kind != "GRPCRoute":
            return []
        listener = {"name": "grpc", "port": 80, "protocol": "HTTP"}
        return [
            {
                "apiVersion": "gateway.networking.k8s.io/v1",
                "kind": "Gateway",
                "metadata": {"name": "grpc", "namespace": self.namespace},
                "spec": {"gatewayClassName": "traefik", "listeners": [listener]},
            }
        ]

    def route_object(self) -> Object:
        """The route, with other things in it that must survive."""
        backends = [
            {"name": f"{self.name}-{arm}", "port": 80, "weight": weight}
            for arm, weight in self.start_weights.items()
        ]
        rule: Object = {"name": "predict", "backendRefs": backends}
        if self.kind == "HTTPRoute":
            rule["matches"] = [{"path": {"type": "PathPrefix", "value": f"/{self.name}"}}]
            rule["filters"] = [
                {
                    "type": "RequestHeaderModifier",
                    "requestHeaderModifier": {"set": [{"name": "X-Kept", "value": "1"}]},
                }
            ]
        parent = {"name": "main", "namespace": "gateway"}
        if self.kind == "GRPCRoute":  # may not share host names with the HTTPRoutes of a listener
            parent = {"name": "grpc", "namespace": self.namespace}
        return {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": self.kind,
            "metadata": {"name": self.name, "namespace": self.namespace, "annotations": {"kept": "yes"}},
            "spec": {"parentRefs": [parent], "rules": [rule]},
        }

    def resource(self, **spec: Any) -> Object:
        """The BanditDeployment; ``spec`` replaces fields of the default one."""
        default: Object = {
            "interval": "5s",
            "traffic": {"routeRef": {"kind": self.kind, "name": self.name, "sectionName": "predict"}},
            "baseline": self.arms[0],
            "arms": [{"name": arm, "backendRef": {"name": f"{self.name}-{arm}"}} for arm in self.arms],
            "reward": {
                "prometheus": {
                    "successes": f'model_reward_successes_total{{route="{self.name}"}}',
                    "trials": f'model_reward_trials_total{{route="{self.name}"}}',
                    "settle": "3s",
                }
            },
            "guardrails": {"minTrials": 20},
        }
        return {
            "apiVersion": "bandit-operator.dev/v1alpha1",
            "kind": "BanditDeployment",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {**default, **spec},
        }

    def create(self, *others: Object, **spec: Any) -> None:
        """Apply Services, route and resource."""
        self.cluster.apply(
            *self.services(), *self.gateways(), self.route_object(), *others, self.resource(**spec)
        )

    def serve(self) -> None:
        """Apply the Services and wait until each has a ready endpoint.

        Where an arm's endpoints come later than the resource, its weight is taken away for a moment.
        """
        self.cluster.apply(*self.services())
        for arm in self.arms:
            wait_until(partial(self._has_endpoint, arm), f"{self.name}: {arm} has a ready endpoint")

    def _has_endpoint(self, arm: str) -> bool:
        selector = f"kubernetes.io/service-name={self.name}-{arm}"
        slices = self.cluster.get("endpointslices", "-l", selector)["items"]
        return any(one["conditions"]["ready"] for part in slices for one in part.get("endpoints") or ())

    def patch(self, spec: Object) -> None:
        """Merge-patch the resource's spec."""
        self.cluster.kubectl("patch", "bd", self.name, "--type=merge", "-p", json.dumps({"spec": spec}))

    def delete(self) -> None:
        """Delete the resource and wait until it is gone."""
        self.cluster.kubectl("delete", "bd", self.name, "--timeout=20s")

    # ---- what became of it ------------------------------------------------------------

    def status(self) -> Object:
        """Its status, with what is in its record; empty before the operator wrote one."""
        return unpacked(self.cluster.get("bd", self.name).get("status", {}))

    def arm(self, name: str) -> Object:
        """One arm's line of the status."""
        return next((arm for arm in self.status().get("arms", []) if arm["name"] == name), {})

    def condition(self, kind: str) -> Object:
        """One condition; empty where there is none."""
        conditions = self.status().get("conditions", [])
        return next((condition for condition in conditions if condition["type"] == kind), {})

    def route(self) -> Object:
        """The route as it is."""
        return self.cluster.get(self.kind.lower(), self.name)

    def managed_fields(self) -> list[Object]:
        """Who owns what of the route."""
        route = self.cluster.get(self.kind.lower(), self.name, "--show-managed-fields")
        fields: list[Object] = route["metadata"]["managedFields"]
        return fields

    def weights(self) -> dict[str, int]:
        """The route's weights by arm."""
        backends = self.route()["spec"]["rules"][0]["backendRefs"]
        return {one["name"].removeprefix(f"{self.name}-"): one["weight"] for one in backends}

    def set_weights(self, **weights: int) -> None:
        """Change the route's weights as another writer would."""
        patch = [
            {
                "op": "replace",
                "path": f"/spec/rules/0/backendRefs/{self.arms.index(arm)}/weight",
                "value": weight,
            }
            for arm, weight in weights.items()
        ]
        self.cluster.kubectl("patch", self.kind.lower(), self.name, "--type=json", "-p", json.dumps(patch))

    def events(self) -> list[Object]:
        """The Events about it."""
        selector = f"regarding.name={self.name},regarding.kind=BanditDeployment"
        events: list[Object] = self.cluster.get("events.events.k8s.io", "--field-selector", selector)["items"]
        return events

    def wait_for(self, kind: str, status: str, reason: str, seconds: float = 40) -> Object:
        """Wait for a condition to have a status and a reason; gives the condition."""

        def holds() -> Object:
            condition = self.condition(kind)
            assert (condition.get("status"), condition.get("reason")) == (status, reason), condition
            return condition

        return wait_until(holds, f"{self.name}: {kind} {status} {reason}", seconds)

    def wait_for_later_window(self, than: str | None = None, seconds: float = 150) -> None:
        """Wait until a later window is committed.

        A status in which nothing changes is written once a minute, and later on a busy machine.

        Args:
            than: a cursor; the present one where it is None.
            seconds: for how long at most.
        """
        before = self.status()["cursor"] if than is None else than
        wait_until(lambda: self.status()["cursor"] > before, f"{self.name}: a window after {before}", seconds)

    def wait_for_move(self, seconds: float = 60) -> dict[str, int]:
        """Wait until the weights are no longer those of the start."""

        def moved() -> dict[str, int]:
            weights = self.weights()
            assert weights != self.start_weights, self.status().get("history", [])[:1]
            return weights

        return wait_until(moved, f"{self.name}: weights move", seconds)

    def wait_for_lead(self, arm: str, over: str, seconds: float = 60) -> dict[str, int]:
        """Wait until one arm has more weight than another.

        The first move need not be by rewards: on a busy machine a Pod may not be ready for a moment.
        """

        def leads() -> dict[str, int]:
            weights = self.weights()
            status = self.status()
            assert weights[arm] > weights[over], (weights, status.get("arms"), status.get("history", [])[:3])
            return weights

        return wait_until(leads, f"{self.name}: {arm} leads {over}", seconds)
