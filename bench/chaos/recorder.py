"""What the cluster says at each moment: every version of what a rollout is made of, with its time."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kubernetes import client, config, watch

from bench.chaos.judge import Line

Object = Mapping[str, Any]

RESTART_SECONDS = 0.2
"""After a watch that broke, as all do when the API server is away."""
WATCHED = {
    "banditdeployments": ("bandit-operator.dev", "v1alpha1"),
    "httproutes": ("gateway.networking.k8s.io", "v1"),
    "deployments": ("apps", "v1"),
    "endpointslices": ("discovery.k8s.io", "v1"),
    "events": ("events.k8s.io", "v1"),
}


class Recorder:
    """Watches one namespace in threads that end with the process, or after ``end``."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self._namespace = namespace
        self._lock = threading.Lock()
        self._lines: dict[tuple[str, str], Line[Object]] = {}
        self._ended = False
        api = client.CustomObjectsApi(config.new_client_from_config(str(kubeconfig)))
        for plural, (group, version) in WATCHED.items():
            arguments = (api, group, version, plural)
            threading.Thread(target=self._watch, args=arguments, name=f"watch {plural}", daemon=True).start()

    def line(self, plural: str, name: str) -> Line[Object]:
        """Return all versions of one object; one without content where it was away."""
        with self._lock:
            return Line(self._lines.get((plural, name), Line[Object]()).entries)

    def newest(self, plural: str, name: str) -> Object:
        """Return an object as it is; empty where there is none."""
        with self._lock:
            line = self._lines.get((plural, name))
            return line.entries[-1][1] if line is not None else {}

    def names(self, plural: str) -> list[str]:
        """Return the names of all objects of a kind that were ever seen."""
        with self._lock:
            return [name for kind, name in self._lines if kind == plural]

    def end(self) -> None:
        """Take in nothing more."""
        self._ended = True

    def _watch(self, api: Any, group: str, version: str, plural: str) -> None:
        while not self._ended:
            try:
                stream = watch.Watch().stream(
                    api.list_namespaced_custom_object, group, version, self._namespace, plural
                )
                for event in stream:
                    if self._ended:
                        return
                    gone = event["type"] == "DELETED"
                    item = event["object"]
                    self.take(plural, item.get("metadata", {}).get("name", ""), {} if gone else item)
            except Exception:  # whatever broke it, the next one begins with all that there is
                time.sleep(RESTART_SECONDS)

    def take(self, plural: str, name: str, item: Object) -> None:
        """Take in one version of an object."""
        with self._lock:
            self._lines.setdefault((plural, name), Line()).add(time.time(), item)
