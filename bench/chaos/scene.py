"""Where faults are played: one cluster for all of them, and for each a scene of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

from bench.chaos.live import LiveRollout
from bench.chaos.load import Load
from bench.chaos.recorder import Recorder
from bench.fresh import fresh_cluster
from cluster.client import ClusterError, EmbeddedCluster
from testbed.altered import SETTABLE_CLOCK, settable_clock_image
from testbed.installation import OPERATOR_NAMESPACE, images
from testbed.programs import BROKEN_PROMETHEUS, program
from testbed.reward_source import RewardSource

NAMESPACE = "chaos"
ILL = "ill-prometheus"
ILL_ADDRESS = f"http://{ILL}.{NAMESPACE}"
"""A Prometheus that answers as its path says: see ``testbed/broken_prometheus.py``."""
NOWHERE = "http://127.0.0.1:9"
"""An address at which nothing listens."""
VALUES = (f"prometheus.allowedAddresses={{{ILL_ADDRESS}:80,{NOWHERE}}}",)
"""Values of the operator's chart."""


class Stage:
    """A cluster with the operator, a load and a recorder; all scenes are played on it."""

    def __init__(self, cluster: EmbeddedCluster, control: Path) -> None:
        self.cluster = cluster
        self.control = control
        self.recorder = Recorder(cluster.kubeconfig, NAMESPACE)
        self.load = Load(cluster.endpoints.gateway)
        self.operators = cluster.namespace(OPERATOR_NAMESPACE)
        self.own = cluster.namespace(NAMESPACE)

    @cached_property
    def rewards(self) -> RewardSource:
        """Rewards that do not come from requests, started when they are first needed."""
        return RewardSource(self.cluster, NAMESPACE)

    def operator_pod(self) -> str:
        """Return the name of a Pod of the operator that runs."""
        pods = self.operators.get("pods", "--field-selector", "status.phase=Running")["items"]
        return str(pods[0]["metadata"]["name"])

    def end(self) -> None:
        """Stop sending and watching."""
        self.load.end()
        self.recorder.end()


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    """Start a fresh cluster with the operator in it, and end it afterwards.

    Args:
        folder: For the cluster's state, and for what the arms are told to do.

    Raises:
        ClusterError: A part of it does not start.
    """
    control = folder / "control"
    control.mkdir(parents=True, exist_ok=True)
    for old in control.iterdir():
        old.unlink()
    known = {**images(), SETTABLE_CLOCK: settable_clock_image()}
    with fresh_cluster(folder / "cluster", known, NAMESPACE, *VALUES) as cluster:
        cluster.apply(*program(NAMESPACE, ILL, BROKEN_PROMETHEUS, 9090))
        stage = Stage(cluster, control.resolve())
        try:
            yield stage
        finally:
            stage.end()


class Scene:
    """One fault as it is played: its rollouts, and when its hand struck."""

    def __init__(self, stage: Stage, fault: str) -> None:
        self.stage = stage
        self.fault = fault
        self.rollouts: list[LiveRollout] = []
        self.strokes: list[float] = []
        """When something was done, in seconds since 1970."""

    def rollout(
        self,
        suffix: str = "",
        *,
        weights: Mapping[str, int] | None = None,
        scale: bool = True,
        **means: float,
    ) -> LiveRollout:
        """Return a rollout with arms of these mean rewards; it is not started yet."""
        made = LiveRollout(self.stage, NAMESPACE, f"{self.fault}{suffix}", means, weights, scale)
        self.rollouts.append(made)
        return made

    def with_loser_out(self, **arms: float) -> LiveRollout:
        """Return a running rollout whose last arm has been found worse and scaled to zero."""
        one = self.rollout("", weights=None, scale=True, **(arms or {"good": 0.9, "bad": 0.1}))
        one.start()
        loser = one.arms[-1]
        one.wait(f"{loser} is at zero", lambda: one.arm(loser).get("reason") == "ScaledToZero", 120)
        return one

    def stroke(self) -> float:
        """Say that the fault's hand does something now, and return the time."""
        self.strokes.append(time.time())
        return self.strokes[-1]

    @property
    def since(self) -> float:
        """Seconds since the first stroke."""
        return time.time() - self.strokes[0]

    def hold(self, seconds: float) -> None:
        """Let a fault last: that nothing happens meanwhile is what is looked at."""
        time.sleep(seconds)

    def clear(self) -> None:
        """Take the scene's objects away, without waiting for them to be gone."""
        for one in self.rollouts:
            self.stage.load.set(one.name, 0)
            with suppress(ClusterError):
                kinds = "banditdeployments,httproutes,deployments,services,configmaps"
                names = one.cluster.kubectl("get", kinds, "-o", "name").split()
                own = [name for name in names if name.partition("/")[2].startswith(one.name)]
                if own:
                    one.cluster.kubectl("delete", "--wait=false", *own)
