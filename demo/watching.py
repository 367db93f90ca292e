"""What the cluster says, kept up to date by watches, and waiting until it says something else."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kubernetes import client, config, watch

from demo.rollout import NAMESPACE
from testbed.records import Object, Records

RESTART_SECONDS = 0.5
"""After a watch that broke."""
LOOK_SECONDS = 0.25
"""Conditions that no watch reports are looked at this often."""
EVENTS_KEPT = 200


class Watched:
    """The newest version of each object of the demo; safe to read from any thread."""

    def __init__(self, name: str) -> None:
        """Watch the BanditDeployment and the route of this name."""
        self._name = name
        self.records = Records()
        self.versions: list[Mapping[str, Any]] = []
        """Every version of the resource that was seen, oldest first."""
        """Decisions from every version of the BanditDeployment that was seen."""
        self._changed = threading.Condition()
        self._objects: dict[str, dict[str, Object]] = {}
        self._events: deque[Object] = deque(maxlen=EVENTS_KEPT)
        self._ended = False

    # ---- reading --------------------------------------------------------------------

    @property
    def resource(self) -> Object:
        """The BanditDeployment; empty before it was seen."""
        return self._objects.get("banditdeployments", {}).get(self._name, {})

    @property
    def status(self) -> Object:
        """Its status."""
        status: Object = self.resource.get("status", {})
        return status

    def arm(self, name: str) -> Object:
        """Return ``status.arms`` of one arm; empty where there is none."""
        return next((arm for arm in self.status.get("arms", []) if arm["name"] == name), {})

    @property
    def events(self) -> list[Object]:
        """Events about the BanditDeployment, oldest first."""
        with self._changed:
            return list(self._events)

    def pods(self, arm: str) -> tuple[int, int, int]:
        """Return the replicas of an arm: asked for, existing and ready."""
        deployment = self._objects.get("deployments", {}).get(f"{self._name}-{arm}", {})
        status = deployment.get("status", {})
        wanted = deployment.get("spec", {}).get("replicas", 0)
        return wanted, status.get("replicas", 0), status.get("readyReplicas", 0)

    def route_weights(self) -> dict[str, int]:
        """Return the weights in the route by arm."""
        spec = self._objects.get("httproutes", {}).get(self._name, {}).get("spec", {})
        backends = [backend for rule in spec.get("rules", []) for backend in rule.get("backendRefs", [])]
        return {
            backend["name"].removeprefix(f"{self._name}-"): backend.get("weight", 1) for backend in backends
        }

    def route_accepted(self) -> bool:
        """Whether the gateway has accepted the route as it is now."""
        route = self._objects.get("httproutes", {}).get(self._name, {})
        generation = route.get("metadata", {}).get("generation")
        parents = route.get("status", {}).get("parents", [])
        return any(
            condition["type"] == "Accepted"
            and condition["status"] == "True"
            and condition.get("observedGeneration") == generation
            for parent in parents
            for condition in parent.get("conditions", [])
        )

    # ---- waiting --------------------------------------------------------------------

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Return as soon as a condition holds, or False when time is over."""
        end = time.monotonic() + seconds
        with self._changed:
            while not condition():
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, LOOK_SECONDS))
        return True

    # ---- watching -------------------------------------------------------------------

    def start(self, kubeconfig: Path) -> None:
        """Watch everything in threads that end with the process, or after ``stop``."""
        access = config.new_client_from_config(str(kubeconfig))
        api = client.CustomObjectsApi(access)
        for group, version, plural in (
            ("bandit-operator.dev", "v1alpha1", "banditdeployments"),
            ("gateway.networking.k8s.io", "v1", "httproutes"),
            ("apps", "v1", "deployments"),
            ("events.k8s.io", "v1", "events"),
        ):
            arguments = (api, group, version, plural)
            threading.Thread(target=self._watch, args=arguments, name=f"watch {plural}", daemon=True).start()

    def stop(self) -> None:
        """Take in nothing more."""
        self._ended = True

    def _watch(self, api: Any, group: str, version: str, plural: str) -> None:
        while not self._ended:
            try:
                # Without a resource version the watch begins with all that there is.
                stream = watch.Watch().stream(
                    api.list_namespaced_custom_object, group, version, NAMESPACE, plural
                )
                for event in stream:
                    if self._ended:
                        return
                    self.take(plural, event["type"], event["object"])
            except Exception:  # whatever broke it: the API server is there again, or the demo ends
                time.sleep(RESTART_SECONDS)

    def take(self, plural: str, kind: str, item: Mapping[str, Any]) -> None:
        """Take in one watch event: ``kind`` is ADDED, MODIFIED or DELETED."""
        name = item.get("metadata", {}).get("name", "")
        with self._changed:
            if plural == "events":
                if kind == "ADDED" and item.get("regarding", {}).get("kind") == "BanditDeployment":
                    self._events.append(item)
            elif kind == "DELETED":
                self._objects.get(plural, {}).pop(name, None)
            else:
                self._objects.setdefault(plural, {})[name] = item
                if plural == "banditdeployments" and name == self._name:
                    self.records.add(item.get("status", {}))
                    self.versions.append(item)
            self._changed.notify_all()
