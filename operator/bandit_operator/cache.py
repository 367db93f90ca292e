"""What the watches have shown: the newest version of every object that decisions need.

Filled by the handlers and by the answers to our own writes, read by ``observe``. An object
that is not here may still exist: its list may not have come yet.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Key = tuple[str, str]
"""(namespace, name)."""
KindKey = tuple[str, str, str]
"""(kind, namespace, name)."""


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
    """Objects by kind, namespace and name."""

    def __init__(self) -> None:
        self.resources: dict[Key, Mapping[str, Any]] = {}
        self.routes: dict[KindKey, Mapping[str, Any]] = {}
        self.targets: dict[KindKey, ScaleTarget] = {}
        self.services: set[Key] = set()

    def put_resource(self, body: Mapping[str, Any]) -> bool:
        """Keep a BanditDeployment; False where what is kept already is as new."""
        return _put(self.resources, key_of(body), body)

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

    def drop(self, kind: str, key: Key) -> bool:
        """Forget an object that is gone; False where it was not known."""
        match kind:
            case "BanditDeployment":
                return self.resources.pop(key, None) is not None
            case "Service":
                known = key in self.services
                self.services.discard(key)
                return known
            case _:
                kind_key = (kind, *key)
                gone = self.routes.pop(kind_key, None) is not None
                return self.targets.pop(kind_key, None) is not None or gone

    def names(self, kind: str) -> Iterator[Key]:
        """Keys of all known objects of a kind."""
        match kind:
            case "BanditDeployment":
                yield from list(self.resources)
            case "Service":
                yield from list(self.services)
            case _:
                for known, namespace, name in [*self.routes, *self.targets]:
                    if known == kind:
                        yield namespace, name


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
    if before is not None and before["metadata"]["uid"] == body["metadata"]["uid"] and _version(before) >= _version(body):
        return False
    kept[key] = body
    return True


def _version(body: Mapping[str, Any]) -> int:
    return int(body["metadata"]["resourceVersion"])
