"""What the watches have shown: the newest version of every object that decisions need.

Filled by the handlers and by the answers to our own writes, read by ``observe``. An object
that is not here may still exist: its list may not have come yet.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection, Mapping
from typing import Any

from bandit_operator.adapters.kubernetes import FIELD_MANAGER
from bandit_operator.api.in_force import specs_of
from bandit_operator.api.kind import KIND
from bandit_operator.api.references import UNREADABLE, Key, KindKey, arms_in, route_in
from bandit_operator.api.route_template import MANAGED_BY, OWNER
from bandit_operator.api.verbs import ANNOTATIONS
from bandit_operator.routers import RouteReference
from bandit_operator.routers.mirrored_for import MIRRORS, mirrored_for
from bandit_operator.routers.parents import gateways_of
from bandit_operator.routers.shape import readable
from bandit_operator.watch.endpoints import Endpoints, PodPort
from bandit_operator.watch.gateways import Gateways
from bandit_operator.watch.index import Index
from bandit_operator.watch.scale_targets import ScaleTarget, scale_target


class Cache:
    """Objects by kind, namespace and name, and which resources depend on which objects.

    Args:
        namespaces: those that are watched; none for all.
    """

    def __init__(self, namespaces: Collection[str] = ()) -> None:
        self._namespaces = frozenset(namespaces)
        self.resources: dict[Key, Mapping[str, Any]] = {}
        self.routes: dict[KindKey, Mapping[str, Any]] = {}
        self.targets: dict[KindKey, ScaleTarget] = {}
        self.services: dict[Key, Mapping[int, str]] = {}
        """Names of each Service's ports, by their numbers."""
        self.endpoints = Endpoints()
        self.gateways = Gateways()
        self.versions: dict[KindKey, int] = {}
        """resourceVersion of the newest version that a watch has brought of every object."""
        self._external: set[Key] = set()
        self._dependents = Index[KindKey, Key]()
        self._routes_to = Index[KindKey, KindKey]()
        self._mirrored = Index[Key, KindKey]()

    def is_watched(self, namespace: str) -> bool:
        """Whether the watches bring the objects of a namespace; others are as they were when last read."""
        return not self._namespaces or namespace in self._namespaces

    def to_look_at(self) -> frozenset[Key]:
        """The BanditDeployments, and those that are gone for which routes still mirror requests."""
        return frozenset({*self.resources, *self._mirrored})

    def uid_of(self, key: Key) -> str | None:
        """The uid of a BanditDeployment, also of one that is gone while a route mirrors for it; or None."""
        body = self.resources.get(key)
        if body is not None:
            return str(body["metadata"]["uid"])
        routes = (self.routes[route] for route in self.mirrored_for(key))
        return next((mirrored_for(route)[key[1]].uid for route in routes), None)

    def put_resource(self, body: Mapping[str, Any]) -> bool:
        """Keep a BanditDeployment; False where what is kept already is as new."""
        key = key_of(body)
        before = self.resources.get(key)
        if not _put(self.resources, key, body):
            return False
        self._dependents.move(key, _references(before), _references(body))
        return True

    def put_route(self, kind: str, body: Mapping[str, Any]) -> bool:
        """Keep a route; False where what is kept already is as new.

        The answer to a patch arrives before the watch tells of it, and the watch may then
        still tell of the version before.
        """
        key = (kind, *key_of(body))
        before, body = self.routes.get(key), readable(body)
        if not _put(self.routes, key, body):
            return False
        self._routes_to.move(key, _backends_of(before), _backends_of(body))
        self._mirrored.move(key, _mirrored_for(before), _mirrored_for(body))
        return True

    def put_service(self, _kind: str, body: Mapping[str, Any]) -> bool:
        """Keep what matters of a Service; False where none of that changed.

        HTTP and gRPC routes are over TCP; a port for HTTP/3 may have the same number over UDP.
        """
        key, listed = key_of(body), (body.get("spec") or {}).get("ports") or ()
        tcp = [one for one in listed if one.get("protocol", "TCP") == "TCP"]
        known = (self.services.get(key), self.is_external(key))
        self.services[key] = {int(one["port"]): str(one.get("name") or "") for one in tcp}
        if (body.get("spec") or {}).get("type") == "ExternalName":
            self._external.add(key)
        else:
            self._external.discard(key)
        return known != (self.services[key], self.is_external(key))

    def is_external(self, service: Key) -> bool:
        """Whether a Service names something outside of the cluster, of which nothing is watched."""
        return service in self._external

    def ready_endpoints(self, service: Key, port: int | None) -> int | None:
        """Endpoints of a Service that are ready at the port that a route names; None where it is not known.

        A port that the Service does not have leads nowhere.
        """
        ports = self.services.get(service) or {}
        if port is None or not ports:
            return self.endpoints.ready(service)
        return self.endpoints.ready(service, ports[port]) if port in ports else 0

    def pods_at(self, service: Key, port: int | None) -> frozenset[PodPort]:
        """The ready Pods to which requests for the port that a route names go; none where it is not known."""
        names = self.services.get(service) or {}
        return self.endpoints.pods_at(service, None if port is None else names.get(port))

    def affected_by_service(self, kind: str, body: Mapping[str, Any]) -> frozenset[Key]:
        """The resources that name this Service, or a route to it."""
        return self.affected_by_endpoints(key_of(body), kind)

    def affected_by_endpoints(self, service: Key, kind: str = "Service") -> frozenset[Key]:
        """The resources that name this Service, or a route to it, of which it may be no arm's backend."""
        named = (kind, *service)
        return self._naming(named).union(*map(self._naming, self._routes_to.of(named)))

    def put_target(self, kind: str, body: Mapping[str, Any]) -> bool:
        """Keep what matters of a scale target; False where none of that changed."""
        key = (kind, *key_of(body))
        target = scale_target(body)
        changed = self.targets.get(key) != target
        self.targets[key] = target
        return changed

    def affected_by_target(self, kind: str, body: Mapping[str, Any]) -> frozenset[Key]:
        """The resources that name this scale target, or a Service in front of its Pods."""
        key = key_of(body)
        services = self.endpoints.in_front_of((kind, *key))
        return self.dependents(kind, key).union(*(self.dependents("Service", one) for one in services))

    def target_behind(self, service: Key) -> ScaleTarget | None:
        """The Deployment or StatefulSet whose Pods a Service sends requests to; None where it is not one."""
        owners = [one for one in self.endpoints.owners(service) if one in self.targets]
        return self.targets[owners[0]] if len(owners) == 1 else None

    def target_instead(self, service: Key, target: KindKey) -> KindKey | None:
        """Whose Pods a Service sends requests to, where none of them are this target's and all are known."""
        owners = self.endpoints.owners(service)
        is_known = target not in owners and owners <= self.targets.keys()
        return min(owners, default=None) if is_known else None

    def drop(self, kind: str, key: Key) -> frozenset[Key]:
        """Forget an object that is gone; gives the resources that must be looked at for it."""
        kind_key = (kind, *key)
        self.versions.pop(kind_key, None)
        affected = self.dependents(kind, key)
        match kind:
            case "BanditDeployment":
                gone = self.resources.pop(key, None)
                affected = frozenset({key}) | self._neighbours(gone)
                self._dependents.move(key, _references(gone), ())
            case "Service":
                self.services.pop(key, None)
                self._external.discard(key)
            case "EndpointSlice":
                service = self.endpoints.drop(key)
                affected = frozenset() if service is None else self.affected_by_endpoints(service)
            case "Gateway":
                self.gateways.drop(key)
                affected = self._carried_by(key)
            case _:
                gone = self.routes.pop(kind_key, None)
                affected = affected.union(*map(self._naming, _backends_of(gone)))
                self._routes_to.move(kind_key, _backends_of(gone), ())
                self._mirrored.move(kind_key, _mirrored_for(gone), ())
                self.targets.pop(kind_key, None)
        return affected

    def affected_by_route(self, kind: str, body: Mapping[str, Any]) -> frozenset[Key]:
        """The resources that move this route, name a backend of it, or for which it mirrors requests."""
        affected = self.dependents(kind, key_of(body)) | _mirrored_for(body)
        return affected.union(*(self._naming(one) for one in _backends_of(body)))

    def affected_by_gateway(self, _kind: str, body: Mapping[str, Any]) -> frozenset[Key]:
        """The resources whose route asks to be carried by this Gateway."""
        return self._carried_by(key_of(body))

    def _carried_by(self, gateway: Key) -> frozenset[Key]:
        asking = (
            key
            for key, route in self.routes.items()
            if any(gateway == (one.namespace, one.name) for one in gateways_of(route))
        )
        return frozenset().union(*map(self._naming, asking))

    def _neighbours(self, body: Mapping[str, Any] | None) -> frozenset[Key]:
        """Resources that name an object that this one names, too."""
        return frozenset().union(*(self._naming(one) for one in _references(body)))

    def dependents(self, kind: str, key: Key) -> frozenset[Key]:
        """The resources that name this object in their spec."""
        return self._naming((kind, *key))

    def _naming(self, named: KindKey) -> frozenset[Key]:
        return self._dependents.of(named)

    def routes_to(self, backend: KindKey) -> list[tuple[KindKey, Mapping[str, Any]]]:
        """The routes that have a backendRef to this backend, sorted."""
        return [(key, self.routes[key]) for key in sorted(self._routes_to.of(backend))]

    def mirrored_for(self, resource: Key) -> list[KindKey]:
        """The routes that say that they mirror requests for a resource, sorted."""
        return sorted(self._mirrored.of(resource))

    def sharing(self, uid: str, named: Collection[KindKey]) -> list[Mapping[str, Any]]:
        """The other resources that name one of these scale targets and backends, sorted by key."""
        keys = sorted(frozenset().union(*map(self._naming, named)))
        bodies = (self.resources[one] for one in keys if one in self.resources)
        return [body for body in bodies if body["metadata"]["uid"] != uid]

    def sharing_route(self, reference: RouteReference) -> list[Mapping[str, Any]]:
        """The resources that name this route, sorted by key."""
        keys = self.dependents(reference.kind, (reference.namespace, reference.name))
        return [self.resources[key] for key in sorted(keys) if key in self.resources]


def _backends_of(route: Mapping[str, Any] | None) -> set[KindKey]:
    """The backends that a route names anywhere in its rules, by kind, namespace and name."""
    if route is None:
        return set()
    namespace = route["metadata"]["namespace"]
    return {
        (ref.get("kind") or "Service", ref.get("namespace") or namespace, ref["name"])
        for rule in route["spec"].get("rules") or ()
        for ref in rule.get("backendRefs") or ()
    }


def _mirrored_for(route: Mapping[str, Any] | None) -> frozenset[Key]:
    """The resources for which a route says that it mirrors requests."""
    if route is None:
        return frozenset()
    return frozenset((route["metadata"]["namespace"], name) for name in mirrored_for(route))


def _references(body: Mapping[str, Any] | None) -> list[KindKey]:
    """The objects that a resource names: route, backends and scale targets, by all specs it may go by."""
    if body is None:
        return []
    metadata = body["metadata"]
    references = []
    for spec in specs_of(body):
        with contextlib.suppress(*UNREADABLE):
            route = route_in({"metadata": metadata, "spec": spec})
            references.append((route.kind, route.namespace, route.name))
        for arm in arms_in(metadata["namespace"], spec):
            references.append((arm.backend.kind, arm.backend.namespace, arm.backend.name))
            if arm.target is not None:
                references.append((arm.target_kind, metadata["namespace"], arm.target))
    return references


def key_of(body: Mapping[str, Any]) -> Key:
    """Namespace and name of an object."""
    return body["metadata"]["namespace"], body["metadata"]["name"]


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
    kept[key] = _trimmed(body)
    return True


def _trimmed(body: Mapping[str, Any]) -> dict[str, Any]:
    """What of an object is looked at: labels, and annotations but our own, of any size are not kept.

    That there are any is, since one can be added to them only then (RFC 6902). Of a route that the operator
    made they are, because they are compared with what its template says.
    Thousands of objects have the same few words for keys, which are kept once.
    """
    metadata = {name: value for name, value in body["metadata"].items() if name in _KEPT_METADATA}
    if "managedFields" in metadata:
        metadata["managedFields"] = [_wrote(one) for one in metadata["managedFields"]]
    given = body["metadata"].get("annotations") or {}
    own = {name: str(given[name])[:LONGEST_ANNOTATION] for name in (*ANNOTATIONS, MIRRORS) if name in given}
    if OWNER in given or _is_made(body["metadata"]):
        metadata |= {name: body["metadata"][name] for name in _COMPARED if name in body["metadata"]}
    elif given:
        metadata["annotations"] = own
    parts = {name: _with_shared_keys(body[name]) for name in ("spec", "status") if name in body}
    return {**parts, "metadata": metadata}


def _is_made(metadata: Mapping[str, Any]) -> bool:
    """Whether an object may have been made for a BanditDeployment though no annotation says so any more."""
    said = (metadata.get("labels") or {}).get(MANAGED_BY) == FIELD_MANAGER
    return said or any(one.get("kind") == KIND for one in metadata.get("ownerReferences") or ())


def _wrote(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Of one writer's entry in ``metadata.managedFields`` what is asked of it: who, when, and which parts."""
    fields = entry.get("fieldsV1") or {}
    kept = {"f:metadata": fields["f:metadata"]} if "f:metadata" in fields else {}
    if "f:spec" in fields:
        kept["f:spec"] = {"f:rules": {}} if "f:rules" in (fields["f:spec"] or {}) else {}
    return {"manager": entry.get("manager", ""), "time": entry.get("time", ""), "fieldsV1": kept}


def _with_shared_keys(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {sys.intern(key): _with_shared_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_shared_keys(item) for item in value]
    return value


LONGEST_ANNOTATION = 2048
"""Characters that are kept of one; what is longer cannot be read, and is ignored."""
_COMPARED = ("annotations", "labels", "ownerReferences")
_KEPT_METADATA = frozenset(
    {
        "creationTimestamp",
        "deletionTimestamp",
        "finalizers",
        "generation",
        "managedFields",
        "name",
        "namespace",
        "resourceVersion",
        "uid",
    }
)


def _version(body: Mapping[str, Any]) -> int:
    return int(body["metadata"]["resourceVersion"])
