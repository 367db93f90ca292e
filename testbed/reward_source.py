"""A program in the cluster whose reward counters grow as fast as one says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import httpx

from cluster.client import Cluster
from testbed.programs import program
from testbed.waiting import wait_until

SOURCE = "counting"
"""Name of its Deployment and Service, and the label ``app`` of its Pod."""
COUNTING_MODEL = Path(__file__).with_name("counting_model.py")


class RewardSource:
    """Reward counters of any number of routes and arms, which earn at rates that may be changed."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        """Start it, and wait until it answers through the gateway."""
        self._cluster = cluster
        self._seen: set[str] = set()
        self._url = f"{cluster.endpoints.gateway}/rates"
        match = {"path": {"type": "Exact", "value": "/rates"}}
        route = {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "rates", "namespace": namespace},
            "spec": {
                "parentRefs": [{"name": "main", "namespace": "gateway"}],
                "rules": [{"matches": [match], "backendRefs": [{"name": SOURCE, "port": 80}]}],
            },
        }
        cluster.apply(*program(namespace, SOURCE, COUNTING_MODEL, 8000, scraped=True), route)
        cluster.namespace(namespace).kubectl(
            "wait", "--for=condition=Available", f"deploy/{SOURCE}", "--timeout=60s"
        )
        wait_until(self._answers, "the counting model answers", 20)

    def steer(self, route: str, **arms: tuple[float, ...]) -> None:
        """Set how fast arms of a route earn: ``steer("route", arm=(trials a second, mean reward))``.

        New arms begin to earn once Prometheus has seen them at 0: what a series has by its first sample is
        growth that nobody can date.
        """
        rates = {f"{route}/{arm}": rate for arm, rate in arms.items()}
        new = rates.keys() - self._seen
        if new:
            self.put({name: (0.0, *rates[name][1:]) for name in new})
            wait_until(lambda: new <= self._series(route), f"Prometheus has series of {sorted(new)}", 30)
        self._seen |= new
        self.put(rates)

    def put(self, rates: Mapping[str, tuple[float, ...]]) -> None:
        """Set rates by ``"route/arm"``; what was earned until now was earned at the old ones."""
        answer = httpx.put(self._url, content=json.dumps(rates), timeout=5)
        assert answer.status_code == 200, answer.text

    def _series(self, route: str) -> set[str]:
        """The arms that Prometheus has trials of, each as ``"route/arm"``."""
        series = self._cluster.query(f'model_reward_trials_total{{route="{route}"}}')
        return {f"{route}/{labels['arm']}" for labels, _ in series}

    def _answers(self) -> bool:
        self.put({})
        return True
