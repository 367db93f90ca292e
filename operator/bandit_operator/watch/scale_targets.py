"""What decisions need of Deployments, StatefulSets and whatever else has replicas."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TARGET_KINDS = (("apps", "v1", "deployments", "Deployment"), ("apps", "v1", "statefulsets", "StatefulSet"))
"""Group, version, plural and kind of the scale targets that are watched."""
LONGEST_REASON = 300
"""Characters that are kept of what a controller says, which may quote what a tenant wrote."""


@dataclass(frozen=True, slots=True)
class ScaleTarget:
    """What is needed of a Deployment or StatefulSet."""

    replicas: int
    """Replicas asked for."""
    available: int
    """Replicas that can serve."""
    template: str
    """Digest of the Pod template."""
    updating: bool = False
    """Whether there are Pods of another template: a rolling update is not over, or not begun."""
    hindered: str | None = None
    """Why its Pods do not come, in its controller's words; None where it says nothing of the kind."""


def scale_target(body: Mapping[str, Any]) -> ScaleTarget:
    """Read a Deployment or StatefulSet.

    The digest is of the whole template, so that a change of image, arguments, environment or
    an annotation (``kubectl rollout restart``) all count as another version of the model.
    """
    template = json.dumps(_plain(body["spec"].get("template") or {}), sort_keys=True)
    status = body.get("status") or {}
    return ScaleTarget(
        replicas=int(body["spec"].get("replicas", 1)),
        available=int(status.get("availableReplicas") or 0),
        template=hashlib.sha256(template.encode()).hexdigest()[:12],
        updating=int(status.get("observedGeneration") or 0) < int(body["metadata"].get("generation") or 0)
        or int(status.get("updatedReplicas") or 0) < int(status.get("replicas") or 0),
        hindered=_hindered(status.get("conditions") or ()),
    )


def _hindered(conditions: Sequence[Mapping[str, Any]]) -> str | None:
    """What the conditions of a Deployment say of Pods that do not come: a quota, an image, a probe.

    ``ReplicaFailure`` says why Pods cannot be made, and goes before; ``Progressing`` only that they are not
    ready in time (https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#failed-deployment).
    """
    said = {(one.get("type"), one.get("status")): one for one in conditions}
    failed, late = said.get(("ReplicaFailure", "True")), said.get(("Progressing", "False"))
    words = str((failed or late or {}).get("message") or "")
    return " ".join(words.split())[:LONGEST_REASON] or None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def from_scale(scale: Mapping[str, Any], body: Mapping[str, Any]) -> ScaleTarget:
    """What a /scale subresource shows, and of the object's own status what workloads have in common.

    Nothing of the template. Where no field tells how many can serve, all that run do.
    """
    status = body.get("status") or {}
    told = [status.get(field) for field in ("availableReplicas", "readyReplicas")]
    running = int((scale.get("status") or {}).get("replicas") or 0)
    available = next((number for number in told if isinstance(number, int)), running)
    return ScaleTarget(int(scale["spec"].get("replicas", 0)), min(available, running), template="")
