"""A rollout with a shadow, beside a shadow server and a gateway that can mirror."""

from __future__ import annotations

from typing import Any

from bandit_operator.core.model import Observed, Paired, Shadowed
from tests.support.fake_api import copied
from tests.support.objects import gateway_body
from tests.support.playing import Start, learned
from tests.support.process import GATEWAY, Process

SERVICE = "/api/v1/namespaces/models/services/shadow"
CLASS = "/apis/gateway.networking.k8s.io/v1/gatewayclasses/mirroring"
MANUAL: dict[str, Any] = {"share": "10%", "prometheus": {"collector": {"route": "income"}}}
MANAGED: dict[str, Any] = {**MANUAL, "mirror": "Managed", "backendRef": {"name": "shadow", "port": 8080}}
FOREIGN = {
    "type": "URLRewrite",
    "urlRewrite": {"path": {"type": "ReplaceFullPath", "replaceFullPath": "/v2"}},
}
OURS = {
    "type": "RequestMirror",
    "requestMirror": {"backendRef": {"name": "shadow", "port": 8080}, "percent": 10},
}
SCORED = Shadowed(
    dict.fromkeys(("good", "bad"), Observed(1234, 617)), {("good", "bad"): Paired(1234, 0, 100)}
)


async def mirrored(process: Start, **spec: Any) -> Process:
    """A rollout whose shadow is mirrored to by the operator."""
    return await with_shadow(process, **{"shadow": MANAGED, **spec})


FEATURES = ("HTTPRouteRequestMirror", "HTTPRouteRequestPercentageMirror")


def resource(name: str, **parts: Any) -> dict[str, Any]:
    """An object as the API server holds it."""
    return {"metadata": {"name": name, "namespace": "models", "uid": name}, **parts}


def installed(process: Start, *features: str, **spec: Any) -> Process:
    """A rollout beside a shadow server, whose gateway's class lists these features; nothing was seen yet."""
    one = process(**spec)
    let_mirror(one, *features)
    one.shadow = SCORED
    return one


def let_mirror(one: Process, *features: str) -> None:
    """A shadow server beside a rollout, and a gateway whose class lists these features."""
    one.api.put(SERVICE, resource("shadow"))
    one.api.put(GATEWAY, {**gateway_body(), "spec": {"gatewayClassName": "mirroring"}})
    listed = [{"name": name} for name in features]
    one.api.put(CLASS, resource("mirroring", status={"supportedFeatures": listed}))


async def with_shadow(process: Start, **spec: Any) -> Process:
    """A rollout with a shadow that has scored something."""

    def start(arms: Any, **keywords: Any) -> Process:
        return installed(process, *FEATURES, arms=arms, **keywords)

    one = await learned(start, **spec)
    await one.tick()
    return one


def filters(one: Process) -> list[Any]:
    """The filters of its route's rule."""
    found: list[Any] = one.api.objects[one.route_path]["spec"]["rules"][0].get("filters", [])
    return found


def available(one: Process) -> tuple[str, str]:
    """Status and reason of condition ShadowAvailable."""
    condition = one.condition("ShadowAvailable")
    return condition["status"], condition["reason"]


def refuse(one: Process, words: str) -> None:
    """Let the gateway refuse the route as it is, with these words."""
    one.gateway(accepted=False)
    route = copied(one.api.objects[one.route_path])
    for condition in route["status"]["parents"][0]["conditions"]:
        condition["message"] = words if condition["type"] == "Accepted" else ""
    one.api.put(one.route_path, route)
