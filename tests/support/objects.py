"""What a made-up rollout consists of, as users write it and as the API server holds it."""

from __future__ import annotations

from typing import Any

NAMESPACE = "models"
ROLLOUT = "income"
"""Name of the rollout, and of its route."""
PARENT = {"name": "main", "namespace": "gateway"}
"""The Gateway that carries the route."""
TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"team": "models"}},
    "spec": {
        "parentRefs": [PARENT],
        "hostnames": ["models.example.com"],
        "matches": [{"path": {"value": "/predict"}}],
    },
}
"""A template of a route, as users write one."""


def spec_of(arms: tuple[str, ...], scale_target: dict[str, str] | None, *, made: bool) -> dict[str, Any]:
    port = {"port": 80} if made else {}
    listed: list[dict[str, Any]] = [{"name": arm, "backendRef": {"name": arm, **port}} for arm in arms]
    for arm in listed:
        if scale_target is not None:
            arm["scaleTargetRef"] = {**scale_target, "name": arm["name"]}
    return {
        "interval": "30s",
        "traffic": {"routeRef": {"name": ROLLOUT}},
        "baseline": arms[0],
        "arms": listed,
        "reward": {"prometheus": {"successes": "good_total", "trials": "all_total", "settle": "5s"}},
        "strategy": {"type": "Thompson"},
        "rollback": {"drain": "60s"},
        "guardrails": {"minTrials": 100},
    }


def route_body(name: str, arms: tuple[str, ...]) -> dict[str, Any]:
    """The route, accepted by a gateway."""
    refs = [{"name": arm, "port": 80, "weight": 10000 // len(arms)} for arm in arms]
    accepted = {"type": "Accepted", "status": "True", "observedGeneration": 1}
    return {
        "metadata": {"name": name, "namespace": NAMESPACE, "uid": "route"},
        "spec": {"parentRefs": [PARENT], "rules": [{"name": "predict", "backendRefs": refs}]},
        "status": {"parents": [{"parentRef": PARENT, "conditions": [accepted]}]},
    }


def gateway_body() -> dict[str, Any]:
    """The Gateway, programmed."""
    programmed = {"type": "Programmed", "status": "True", "reason": "Programmed", "message": ""}
    return {
        "metadata": {**PARENT, "uid": "gateway"},
        "spec": {"gatewayClassName": "plain"},
        "status": {"conditions": [programmed]},
    }


def deployment_body(arm: str) -> dict[str, Any]:
    """An arm's Deployment, of which all Pods can serve."""
    return {
        "metadata": {"name": arm, "namespace": NAMESPACE, "uid": f"deployment-{arm}"},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [{"image": f"{arm}:1"}]}}},
        "status": {"availableReplicas": 2, "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2},
    }
