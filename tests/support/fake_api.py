"""An API server in the process: for the order of writes, and for what an error leaves behind.

Behaviour is tested on a real one. This one knows objects, resourceVersions, generations, JSON
Patch with tests and merge patches, and fails where it is told to.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from bandit_operator.adapters.kubernetes import KubernetesAPI, resource_path
from bandit_operator.adapters.objects import JSON_PATCH, Object
from bandit_operator.errors import Conflict, NotFound, NotLeading

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Write:
    """One write that was accepted."""

    verb: str
    path: str
    body: Any

    @property
    def what(self) -> str:
        """Kind of the write in a word: status, route, scale or event."""
        for part, name in (("/status", "status"), ("/scale", "scale"), ("/events", "event")):
            if self.path.endswith(part):
                return name
        return "route" if "routes" in self.path else self.path


@dataclass
class Failure:
    """An error to raise at the n-th call that matches; after the write, or instead of it."""

    matches: Callable[[str, str], bool]
    error: BaseException
    skip: int = 0
    after: bool = False


class FakeAPI(KubernetesAPI):
    """Objects by path, as ``KubernetesAPI`` shows them."""

    def __init__(self) -> None:
        self.objects: dict[str, Body] = {}
        self.writes: list[Write] = []
        self.reads: list[str] = []
        self.failures: list[Failure] = []
        self.failed: list[BaseException] = []
        """Those that have been raised."""
        self.on_write: list[Callable[[Write], None]] = []
        """Called after each write that was carried out, before its answer."""
        self.prune: Callable[[Body], None] = lambda _: None
        """Takes out of an object what its definition does not know, before it is stored."""
        self.may_write = lambda: True
        self.version = 100
        """Of the newest write."""

    # ---- set-up ---------------------------------------------------------------------------

    def put(self, path: str, body: Body) -> None:
        """Make or replace an object, as someone else would."""
        before = self.objects.get(path)
        stored = copied(body)
        metadata = stored.setdefault("metadata", {})
        metadata.setdefault("uid", path)
        spec_changed = before is None or before.get("spec") != stored.get("spec")
        generation = before["metadata"]["generation"] if before else metadata.get("generation", 0) or 0
        metadata["generation"] = generation + 1 if spec_changed and before else max(generation, 1)
        metadata["resourceVersion"] = self._next_version()
        self.objects[path] = stored

    def delete(self, path: str) -> None:
        """Remove an object, as someone else would."""
        del self.objects[path]

    def fail(self, verb: str, part: str, error: BaseException, *, skip: int = 0, after: bool = False) -> None:
        """Raise at the next call of the verb whose path has this part, once; ``after`` it was carried out."""

        def matches(asked: str, path: str) -> bool:
            return asked == verb and part in path

        self.failures.append(Failure(matches, error, skip, after))

    def what_was_written(self) -> list[str]:
        """The kinds of the writes, in order."""
        return [write.what for write in self.writes]

    # ---- KubernetesAPI --------------------------------------------------------------------

    async def close(self) -> None:
        """Nothing to close."""

    async def get(
        self,
        path: str,
        *,
        accept: str = "application/json",  # noqa: ARG002 - as the real one
        query: Mapping[str, str] | None = None,
    ) -> Object:
        """Read an object."""
        self.reads.append(path)
        failure = self._failure("get", path)
        if failure is not None:
            raise failure.error
        if query is not None:
            return {"items": self._selected(path, query)}
        return copied(self._found(path.removesuffix("/scale")))

    async def patch(self, path: str, body: Any, content_type: str) -> Object:
        """Change an object, or its status or scale."""
        if not self.may_write():
            raise NotLeading("the lease is not held")
        failure = self._failure("patch", path)
        if failure is not None and not failure.after:
            raise failure.error
        changed = self._patched(path, body, content_type)
        self.writes.append(Write("patch", path, copied(body)))
        for look in self.on_write:
            look(self.writes[-1])
        if failure is not None:
            raise failure.error
        return changed

    async def create(self, path: str, body: Object) -> Object:
        """Create an object; of events only the write is kept."""
        if not self.may_write():
            raise NotLeading("the lease is not held")
        failure = self._failure("create", path)
        if failure is not None and not failure.after:
            raise failure.error
        place = f"{path}/{body['metadata']['name']}" if path.endswith("/httproutes") else None
        if place in self.objects:
            raise Conflict(409, "the object exists already")
        self.writes.append(Write("create", path, copied(body)))
        if place is None:
            return body
        made = copied({**body, "metadata": {**body["metadata"], "uid": f"made-{self.version}"}})
        self.prune(made)
        self.put(place, made)
        for look in self.on_write:
            look(self.writes[-1])
        if failure is not None:
            raise failure.error
        return copied(self.objects[place])

    async def plural(self, api_version: str, kind: str) -> str:  # noqa: ARG002 - as the real one
        """Resource name of a kind."""
        return f"{kind.lower()}s"

    # ---- how it is done -------------------------------------------------------------------

    def _next_version(self) -> str:
        self.version += 1
        return str(self.version)

    def _found(self, path: str) -> Body:
        if path not in self.objects:
            raise NotFound(404, f"{path} not found")
        return self.objects[path]

    def _selected(self, path: str, query: Mapping[str, str]) -> list[Body]:
        inside = (body for place, body in sorted(self.objects.items()) if place.startswith(f"{path}/"))
        if "fieldSelector" in query:
            _, _, value = query["fieldSelector"].partition("metadata.name=")
            return copied([body for body in inside if body["metadata"]["name"] == value])
        name, _, value = query["labelSelector"].partition("=")
        return copied([body for body in inside if body["metadata"].get("labels", {}).get(name) == value])

    def _failure(self, verb: str, path: str) -> Failure | None:
        for failure in self.failures:
            if failure.matches(verb, path):
                if failure.skip:
                    failure.skip -= 1
                    return None
                self.failures.remove(failure)
                # Raised again it would keep all that it has passed, whole worlds among it.
                self.failed.append(failure.error.with_traceback(None))
                return failure
        return None

    def _patched(self, path: str, body: Any, content_type: str) -> Body:
        subresource = next((part for part in ("status", "scale") if path.endswith(f"/{part}")), None)
        place = path if subresource is None else path.rpartition("/")[0]
        before = self._found(place)
        after = copied(before)
        if content_type == JSON_PATCH:
            apply_json_patch(after, body)
        else:
            version = body.get("metadata", {}).get("resourceVersion")
            if version is not None and version != before["metadata"]["resourceVersion"]:
                raise Conflict(409, "the object has been modified")
            _merge(after, {name: part for name, part in body.items() if name != "metadata"})
        self.prune(after)
        if after.get("spec") != before.get("spec"):
            after["metadata"]["generation"] += 1
        if after != before:
            after["metadata"]["resourceVersion"] = self._next_version()
        self.objects[place] = after
        return copied(after)


Value = TypeVar("Value")


def copied(value: Value) -> Value:
    """A copy that shares nothing; several times faster than ``copy.deepcopy``."""
    made: Value = pickle.loads(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
    return made


def apply_json_patch(target: Body, operations: list[Body]) -> None:
    """Change the target by a JSON Patch of the operations that the product uses."""
    for operation in operations:
        *parents, key = [part.replace("~1", "/") for part in operation["path"].split("/") if part]
        parent: Any = target
        for part in parents:
            parent = parent[int(part)] if isinstance(parent, list) else parent.setdefault(part, {})
        if key == "-":
            parent.append(operation["value"])
            continue
        where: Any = int(key) if isinstance(parent, list) else key
        if operation["op"] == "remove":
            del parent[where]
        elif operation["op"] == "test":
            known = parent[where] if isinstance(parent, list) else parent.get(where)
            if operation["path"] == "/spec" and operation["value"] == {}:
                known = {} if not known.get("replicas") else known  # as autoscaling/v1 shows a Scale of 0
            if known != operation["value"]:
                raise Conflict(422, "the server rejected our request due to an error in our request")
        else:
            parent[where] = operation["value"]


def _merge(target: Body, patch: Body) -> None:
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        elif isinstance(value, dict) and name == "status":
            _merge(target.setdefault(name, {}), value)
        else:
            target[name] = copied(value)


def resource_of(name: str, namespace: str = "models") -> str:
    """Path of a BanditDeployment."""
    return resource_path("bandit-operator.dev", "v1alpha1", "banditdeployments", namespace, name)


def route_of(name: str, namespace: str = "models") -> str:
    """Path of an HTTPRoute."""
    return resource_path("gateway.networking.k8s.io", "v1", "httproutes", namespace, name)


def endpoints_of(service: str, namespace: str = "models") -> str:
    """Path of the one EndpointSlice of a Service."""
    return resource_path("discovery.k8s.io", "v1", "endpointslices", namespace, f"{service}-1")


def deployment_of(name: str, namespace: str = "models") -> str:
    """Path of a Deployment."""
    return resource_path("apps", "v1", "deployments", namespace, name)


def gateway_of(name: str, namespace: str = "gateway") -> str:
    """Path of a Gateway."""
    return resource_path("gateway.networking.k8s.io", "v1", "gateways", namespace, name)
