"""What stands behind each Service, by its EndpointSlices: how much of it is ready, and whose Pods they are.

Reference: Kubernetes API, discovery.k8s.io/v1 EndpointSlice; ``ready`` that is not set counts as
ready, and the label ``kubernetes.io/service-name`` says whose a slice is. With a Service's
``publishNotReadyAddresses`` each endpoint is ``ready``: there ``serving`` and ``terminating`` tell
whether requests would be answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bandit_operator.api.references import Key, KindKey

_SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
"""What Kubernetes makes names up of (k8s.io/apimachinery, util/rand), which are not words."""
_OF_DEPLOYMENT = re.compile(rf"(.+)-{_SAFE}{{5,10}}-{_SAFE}{{5}}")
"""A Pod of a Deployment: its name, the hash of the Pod template, and five characters."""
_OF_STATEFUL_SET = re.compile(r"(.+)-[0-9]+")
"""A Pod of a StatefulSet: its name and a number."""


PodPort = tuple[Key, int | None]
"""A Pod, and its port that requests reach; None where that is not said."""


@dataclass(frozen=True, slots=True)
class _Slice:
    service: Key
    ready: int
    ports: Mapping[str, int | None] | None
    """Their ports by the names of the Service's at which they answer; None where that is not said."""
    owners: frozenset[KindKey]
    pods: frozenset[Key]
    """Those that are Pods."""

    def ready_at(self, port: str | None) -> int:
        """Endpoints that are ready at a port of the Service, or at any."""
        at = self.ports is None or (port in self.ports if port is not None else bool(self.ports))
        return self.ready if at else 0

    def pods_at(self, port: str | None) -> Iterator[PodPort]:
        """Its Pods, with their own port behind this one of the Service, or behind the only one."""
        ports: Mapping[str, int | None] = {"": None} if self.ports is None else self.ports
        if port is not None and self.ports is not None:
            ports = {name: number for name, number in ports.items() if name == port}
        if len(ports) == 1:
            yield from ((pod, number) for pod in self.pods for number in ports.values())


class Endpoints:
    """How many endpoints of each Service are ready, over all of its EndpointSlices, and whose Pods."""

    def __init__(self) -> None:
        self._slices: dict[Key, _Slice] = {}
        self._of: dict[Key, set[Key]] = {}
        """Slices of each Service of which anything is known."""
        self._by_owner: dict[KindKey, set[Key]] = {}

    def ready(self, service: Key, port: str | None = None) -> int | None:
        """Ready endpoints of a Service, or at the port of this name; None where nothing is known of it yet.

        A Pod that lacks the named ``targetPort`` of a Service is ready, and gets no request.
        """
        slices = self._of.get(service)
        return None if slices is None else sum(self._slices[one].ready_at(port) for one in slices)

    def owners(self, service: Key) -> frozenset[KindKey]:
        """What the ready Pods of a Service may belong to, by their names: kind, namespace and name.

        Names are cut by Kubernetes where they are long, and others may be given by hand, so that not
        each of these need exist.
        """
        return frozenset().union(*(self._slices[one].owners for one in self._of.get(service, ())))

    def pods_at(self, service: Key, port: str | None) -> frozenset[PodPort]:
        """The ready Pods to which requests for a port of a Service go; none where that cannot be told.

        Args:
            service: the Service.
            port: name of its port; None where that is not known.
        """
        return frozenset().union(*(self._slices[one].pods_at(port) for one in self._of.get(service, ())))

    def in_front_of(self, owner: KindKey) -> frozenset[Key]:
        """The Services that send requests to Pods of this Deployment or StatefulSet."""
        return frozenset(self._slices[one].service for one in self._by_owner.get(owner, ()))

    def put(self, body: Mapping[str, Any]) -> frozenset[Key]:
        """Keep a slice; gives the Services of which something else is known now."""
        metadata = body["metadata"]
        key = (metadata["namespace"], metadata["name"])
        name = (metadata.get("labels") or {}).get("kubernetes.io/service-name")
        before = self._slices.get(key)
        if name is None:
            left = self.drop(key)
            return frozenset() if left is None else frozenset({left})
        pods = frozenset((key[0], pod) for pod in _pods_in(body))
        owners = frozenset(owner for pod in pods for owner in _owners_of(pod))
        now = _Slice((key[0], name), _ready_in(body), _ports_in(body), owners, pods)
        known = self.ready(now.service)
        left = self.drop(key)
        self._slices[key] = now
        self._of.setdefault(now.service, set()).add(key)
        for owner in now.owners:
            self._by_owner.setdefault(owner, set()).add(key)
        news = self.ready(now.service) != known or before is None or _behind(before) != _behind(now)
        changed = {now.service} if news else set()
        return frozenset(changed if left in (None, now.service) else changed | {left})

    def put_listed(self, service: Key, slices: Sequence[Mapping[str, Any]], *, anew: bool) -> None:
        """Keep the slices of a Service that was asked for.

        Args:
            service: the Service.
            slices: all that it has.
            anew: whether no watch brings them, so that these replace what was listed before; otherwise what a
                watch has brought meanwhile is newer.
        """
        if service in self._of and not anew:
            return
        for key in self._of.get(service, set()).copy():
            self.drop(key)
        self._of[service] = set()
        for body in slices:
            self.put(body)

    def drop(self, key: Key) -> Key | None:
        """Forget a slice that is gone; gives its Service."""
        gone = self._slices.pop(key, None)
        if gone is None:
            return None
        self._of[gone.service].discard(key)
        for owner in gone.owners:
            self._by_owner[owner].discard(key)
            if not self._by_owner[owner]:
                del self._by_owner[owner]
        return gone.service


def _behind(one: _Slice) -> tuple[frozenset[KindKey], Mapping[str, int | None] | None]:
    return one.owners, one.ports


def _ready(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for one in body.get("endpoints") or ():
        said = one.get("conditions") or {}
        if False not in (said.get("ready"), said.get("serving")) and said.get("terminating") is not True:
            yield one


def _ready_in(body: Mapping[str, Any]) -> int:
    """Ready endpoints of one slice."""
    return sum(1 for _ in _ready(body))


def _ports_in(body: Mapping[str, Any]) -> Mapping[str, int | None] | None:
    """The ports of one slice by their names; a Service with a single port need not name it."""
    if "ports" not in body:
        return None
    return {str(one.get("name") or ""): one.get("port") for one in body["ports"] or ()}


def _pods_in(body: Mapping[str, Any]) -> Iterator[str]:
    """Names of the ready Pods of one slice."""
    for one in _ready(body):
        target = one.get("targetRef") or {}
        if target.get("kind") == "Pod" and target.get("name"):
            yield str(target["name"])


def _owners_of(pod: Key) -> Iterator[KindKey]:
    """What a Pod may belong to, by its name."""
    for kind, pattern in (("Deployment", _OF_DEPLOYMENT), ("StatefulSet", _OF_STATEFUL_SET)):
        found = pattern.fullmatch(pod[1])
        if found is not None:
            yield kind, pod[0], found[1]
