"""What the watches have shown: the newest version of every object that decisions need.

Filled by the handlers and by the answers to our own writes, read by ``observe``. An object
that is not here may still exist: its list may not have come yet.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bandit_operator.api.references import Key, KindKey
from bandit_operator.routers import RouteReference


@dataclass(frozen=True, slots=True)
class ScaleTarget:
    """What is needed of a Deployment or StatefulSet."""

    replicas: int
    """Replicas asked for."""
    available: int
    """Replicas that can serve."""
    template: str
    """Digest of the Pod template."""


class Cache:
    """Objects by kind, namespace and name, and which resources depend on which objects."""

    def __init__(self) -> None:
        self.resources: dict[Key, Mapping[str, Any]] = {}
        self.routes: dict[KindKey, Mapping[str, Any]] = {}
        self.targets: dict[KindKey, ScaleTarget] = {}
        self.services: set[Key] = set()
        self.versions: dict[KindKey, int] = {}
        """resourceVersion of the newest version that a watch has brought of every object."""
        self._dependents: dict[KindKey, set[Key]] = {}

    def put_resource(self, body: Mapping[str, Any]) -> bool:
        """Keep a BanditDeployment; False where what is kept already is as new."""
        key = key_of(body)
        if not _put(self.resources, key, body):
            return False
        for depended in _references(body):
            self._dependents.setdefault(depended, set()).add(key)
        return True

    def put_route(self, kind: str, body: Mapping[str, Any]) -> bool:
        """Keep a route; False where what is kept already is as new.

        The answer to a patch arrives before the watch tells of it, and the watch may then
        still tell of the version before.
        """
        return _put(self.routes, (kind, *key_of(body)), body)

    def put_target(self, kind: str, body: Mapping[str, Any]) -> bool:
        """Keep what matters of a scale target; False where none of that changed."""
        key = (kind, *key_of(body))
        target = scale_target(body)
        changed = self.targets.get(key) != target
        self.targets[key] = target
        return changed

    def drop(self, kind: str, key: Key) -> None:
        """Forget an object that is gone."""
        kind_key = (kind, *key)
        self.versions.pop(kind_key, None)
        match kind:
            case "BanditDeployment":
                self.resources.pop(key, None)
                for dependents in self._dependents.values():
                    dependents.discard(key)
            case "Service":
                self.services.discard(key)
            case _:
                self.routes.pop(kind_key, None)
                self.targets.pop(kind_key, None)

    def dependents(self, kind: str, key: Key) -> frozenset[Key]:
        """The resources that name this object in their spec."""
        return frozenset(self._dependents.get((kind, *key), ()))

    def sharing_route(self, uid: str, reference: RouteReference) -> list[Mapping[str, Any]]:
        """The resources whose routeRef names this route, the one with ``uid`` first."""
        keys = self.dependents(reference.kind, (reference.namespace, reference.name))
        bodies = [self.resources[key] for key in sorted(keys) if key in self.resources]
        return sorted(bodies, key=lambda body: body["metadata"]["uid"] != uid)


def _references(body: Mapping[str, Any]) -> list[KindKey]:
    """The objects that a resource names: route, Services and scale targets."""
    namespace, spec = body["metadata"]["namespace"], body["spec"]
    reference = spec["traffic"]["routeRef"]
    found = [(reference["kind"], namespace, reference["name"])]
    for arm in spec["arms"]:
        backend, target = arm["backendRef"], arm.get("scaleTargetRef")
        found.append(
            (backend.get("kind") or "Service", backend.get("namespace") or namespace, backend["name"])
        )
        if target:
            found.append((target.get("kind") or "Deployment", namespace, target["name"]))
    return found


def key_of(body: Mapping[str, Any]) -> Key:
    """Namespace and name of an object."""
    return body["metadata"]["namespace"], body["metadata"]["name"]


def scale_target(body: Mapping[str, Any]) -> ScaleTarget:
    """Read a Deployment or StatefulSet.

    The digest is of the whole template, so that a change of image, arguments, environment or
    an annotation (``kubectl rollout restart``) all count as another version of the model.
    """
    template = json.dumps(_plain(body["spec"].get("template") or {}), sort_keys=True)
    return ScaleTarget(
        replicas=int(body["spec"].get("replicas", 1)),
        available=int((body.get("status") or {}).get("availableReplicas") or 0),
        template=hashlib.sha256(template.encode()).hexdigest()[:12],
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _put(kept: dict[Any, Mapping[str, Any]], key: Any, body: Mapping[str, Any]) -> bool:
    """Keep the newer of two versions of one object.

    resourceVersions of one object are comparable integers since KEP-5504 says so; before it,
    all servers on etcd did the same.
    """
    before = kept.get(key)
    if (
        before is not None
        and before["metadata"]["uid"] == body["metadata"]["uid"]
        and _version(before) >= _version(body)
    ):
        return False
    kept[key] = body
    return True


def _version(body: Mapping[str, Any]) -> int:
    return int(body["metadata"]["resourceVersion"])
