"""Puts reward collector, models, route and BanditDeployment onto a cluster, with kubectl as users do."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from cluster.client import Cluster
from testbed.installation import READY_SECONDS

NAMESPACE = "demo"
_MANIFESTS = Path(__file__).with_name("manifests")


@dataclasses.dataclass(frozen=True)
class Model:
    """A trained model, ready to be served by ``bandit-serving arm``."""

    name: str
    """Name of the arm."""
    model: Path
    """joblib file of the estimator."""
    card: Path
    """JSON file about it, with the list ``features``."""
    validation: float
    """Its validation score."""


@dataclasses.dataclass(frozen=True)
class Rollout:
    """Models behind one route, and what moves its weights."""

    name: str
    """Of the BanditDeployment, of the route that it moves, and of the model in URLs."""
    arms: Mapping[str, Model]
    """The models by the names of their arms."""
    reward: str
    """Name of the reward function that the collector applies."""
    reward_settings: Mapping[str, Any]
    """Its settings."""
    manifest: str
    """File in ``demo/manifests`` with route and BanditDeployment; ``$arms`` is filled in, and ``$backends``
    with equal weights where the file does not say others."""
    skew: Mapping[str, Mapping[str, float]] = dataclasses.field(default_factory=dict)
    """Factor by feature of each arm that is served with a training/serving skew."""
    shadow_share: float | None = None
    """Share of the requests that every arm scores in the shadow; None for no shadow."""
    newcomer: str | None = None
    """The arm that is not there at first, and begins in the shadow."""

    def install_models(self, cluster: Cluster) -> None:
        """Start the reward collector and one Deployment for each arm."""
        collector = {"reward": self.reward, "reward_settings": json.dumps(self.reward_settings)}
        cluster.kubectl("apply", "-f", "-", stdin=_filled("base.yaml", **collector))
        cluster.apply(*(self._config_map(arm) for arm in self.arms.values()))
        if self.shadow_share is not None:
            arguments = ["shadow", f"--route={self.name}", "--collector=http://rewards:8081"]
            arguments += [f"--share={self.shadow_share:g}", "--outputs=predict"]
            arguments += [f"--arm={arm}=http://{self.name}-{arm}:8080" for arm in self.arms]
            cluster.kubectl("apply", "-f", "-", stdin=_filled("shadow.yaml", arguments=json.dumps(arguments)))
        for arm in self.arms:
            self.deploy(cluster, arm)

    def deploy(self, cluster: Cluster, arm: str) -> None:
        """Apply one arm's Service and Deployment; replicas are left to whoever set them."""
        arguments = ["arm", "--model=/model/model.joblib", f"--name={self.name}", f"--arm={arm}"]
        arguments.append("--collector=http://rewards:8081")
        if self.shadow_share is not None:
            arguments.append("--shadow=http://shadow:8083")
        arguments += [f"--skew={feature}={factor}" for feature, factor in self.skew.get(arm, {}).items()]
        manifest = _filled("arm.yaml", name=self.name, arm=arm, arguments=json.dumps(arguments))
        cluster.kubectl("apply", "-f", "-", stdin=manifest)

    def without_skew(self) -> Rollout:
        """Return the same with every arm as it was trained."""
        return dataclasses.replace(self, skew={})

    def start(self, cluster: Cluster) -> None:
        """Wait until every arm serves, then apply the route and what moves its weights."""
        cluster.namespace(NAMESPACE).kubectl(
            "wait", "--for=condition=Available", "deployment", "--all", f"--timeout={READY_SECONDS}s"
        )
        first = self._resources([arm for arm in self.arms if arm != self.newcomer])
        cluster.kubectl("apply", "-f", "-", stdin=first)

    def introduce(self, cluster: Cluster) -> None:
        """Add the arm that was not there at first; the route, whose weights have moved, is let alone."""
        _, resource = self._resources(list(self.arms)).split("\n---\n")
        cluster.kubectl("apply", "-f", "-", stdin=resource)

    def _resources(self, names: Sequence[str]) -> str:
        """The route, and the resource with these arms."""
        arms = [
            {
                "name": name,
                "backendRef": {"name": f"{self.name}-{name}"},
                "scaleTargetRef": {"name": f"{self.name}-{name}"},
                "validationScore": f"{self.arms[name].validation:.4f}",
                **({"onboarding": "Shadow"} if name == self.newcomer else {}),
            }
            for name in names
        ]
        backends = [{"name": f"{self.name}-{arm}", "port": 8080, "weight": 1000} for arm in self.arms]
        return _filled(self.manifest, arms=json.dumps(arms), backends=json.dumps(backends))

    def _config_map(self, arm: Model) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"{self.name}-{arm.name}", "namespace": NAMESPACE},
            "binaryData": {"model.joblib": base64.b64encode(arm.model.read_bytes()).decode()},
            "data": {"model.json": arm.card.read_text()},
        }


def _filled(manifest: str, **values: str) -> str:
    return Template((_MANIFESTS / manifest).read_text()).substitute(values)
