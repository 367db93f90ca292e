"""Who holds a Lease: kept as client-go keeps it, with a deadline that a stopped process cannot miss.

``leading`` is a question of the monotonic clock alone, counted from before the request that
renewed the lease, and is asked before every write. A process that was stopped for longer
than the deadline therefore knows when it wakes that it no longer leads, before it has spoken
to anyone. Another holder's lease is believed to have expired only once it has not changed
for its whole duration by this process's own clock: clocks of two machines are not compared.
(Lease: https://kubernetes.io/docs/concepts/architecture/leases/)

Where there are several leases (``runtime.shards``) a replica that holds too few may ask the holder of
many for one, by an annotation. The holder then ends what it does under that lease, waits until nothing of
it is under way any more, and only then gives it up.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from bandit_operator.adapters.kubernetes import KubernetesAPI, resource_path
from bandit_operator.adapters.objects import Object
from bandit_operator.api.kind import GROUP
from bandit_operator.api.timestamps import to_micro_time
from bandit_operator.errors import APIError, Conflict, NotFound, OperatorError

log = structlog.get_logger()

WANTED_BY = f"{GROUP}/wanted-by"
"""Annotation of a lease: the replica that asks its holder for it. Every renewal takes it away."""


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """Whose lease, and its times in seconds: ``period < deadline < duration``."""

    name: str
    namespace: str
    identity: str
    duration: float = 15.0
    deadline: float = 10.0
    period: float = 2.0


class Policy(Protocol):
    """Which of several leases a replica takes, asks for and gives up."""

    def may_take(self, free_for: float, wanted: bool) -> bool:
        """Whether to take a lease that nobody holds.

        Args:
            free_for: for how long nobody has been seen to hold it, seconds.
            wanted: whether another replica has asked for it.
        """

    def wants(self, holder: str) -> bool:
        """Whether to ask this holder of the lease for it."""

    def gives(self) -> bool:
        """Whether to give it up to another replica that asks."""


class TakesAll:
    """Of a single lease: whoever comes first has it, and keeps it."""

    def may_take(self, free_for: float, wanted: bool) -> bool:  # noqa: ARG002 - as the protocol has it
        """Always."""
        return True

    def wants(self, holder: str) -> bool:  # noqa: ARG002 - as the protocol has it
        """Never."""
        return False

    def gives(self) -> bool:
        """Never."""
        return False


class _Outcome(enum.Enum):
    """What became of one attempt."""

    HELD = enum.auto()
    """It is ours, from before the attempt on."""
    NOT_OURS = enum.auto()
    """It is surely not ours."""
    UNKNOWN = enum.auto()
    """What was held stays held until the deadline."""
    WANTED = enum.auto()
    """It is ours, and is given up because another asked for it."""


class Elector:
    """Tries to hold a lease for as long as ``run`` runs."""

    def __init__(
        self,
        api: KubernetesAPI,
        settings: LeaseSettings,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        policy: Policy | None = None,
        within: Elector | None = None,
        shared: bool = False,
    ) -> None:
        """Keep a lease.

        Args:
            api: to the API server.
            settings: whose lease.
            monotonic: seconds by the monotonic clock.
            policy: what is taken and given up; None for a single lease.
            within: a lease outside of which this one is neither taken nor counts.
            shared: whether others hold it by the same name, at the same time.
        """
        self._api = api
        self._settings = settings
        self._monotonic = monotonic
        self._policy = policy or TakesAll()
        self._within = within
        self._shared = shared
        self._until = 0.0
        self._seen: tuple[Any, ...] | None = None
        self._seen_at = 0.0
        self._seen_duration = 0.0
        self._free_since: float | None = None
        self._missing_since: float | None = None
        self._announced = False
        self._terms = 0
        self.is_first = False
        """Whether this replica made the lease, with no sign that there had been one."""
        self._begun: tuple[int, ...] | None = None
        self._ended = asyncio.Event()
        self._ended.set()
        self.changed = asyncio.Event()
        """Set whenever leadership was won or lost; whoever waits clears it."""
        self.taking = False
        """Whether it is being taken at this moment, which may fail."""
        self.holder = ""
        """Who was seen to hold it, last; empty where nobody did."""

    @property
    def leading(self) -> bool:
        """Whether this process may write at this moment."""
        return self._monotonic() < self._until and (self._within is None or self._within.leading)

    @property
    def term(self) -> tuple[int, ...]:
        """Which time of holding the lease this is: another after every lapse, seen or not."""
        return (self._terms, *(() if self._within is None else self._within.term))

    @property
    def acting(self) -> tuple[int, ...] | None:
        """The term that ``lead`` has begun and that lasts at this moment, or None."""
        return self._begun if self.leading and self.term == self._begun else None

    async def run(self) -> None:
        """Acquire and renew until cancelled."""
        while True:
            began = self._monotonic()
            outcome = await self._try()
            self._announce()  # it may have run out meanwhile: whoever saw that waits to be told of its return
            match outcome:
                case _Outcome.HELD:
                    self._until = began + self._settings.deadline
                case _Outcome.NOT_OURS:
                    self._until = 0.0
                case _Outcome.WANTED:
                    await self._give_up()
            self.taking = False
            self._announce()
            await asyncio.sleep(self._settings.period * (0.5 if outcome is _Outcome.UNKNOWN else 1.0))

    def _announce(self) -> None:
        """Say that leadership was won or lost, also where it ran out while the process slept."""
        if self.leading != self._announced:
            self._announced = self.leading
            self._terms += 1
            log.info(
                "leadership",
                leading=self.leading,
                lease=self._settings.name,
                identity=self._settings.identity,
            )
            self.changed.set()

    async def lead(self, begin: Callable[[], None], end: Callable[[], Awaitable[None]]) -> None:
        """Call ``begin`` and ``end`` as terms begin and end, until cancelled.

        Where the lease ran out and was had again before anybody looked, that is another term all the same:
        what was given up in between is begun again.

        Args:
            begin: called as each term begins.
            end: awaited at its end; when it returns nothing of the term is under way.
        """
        while True:
            while not self.leading:
                self.changed.clear()
                await self.changed.wait()
            self._begun = self.term
            self._ended.clear()
            try:
                begin()
                while self.acting is not None:
                    self.changed.clear()
                    # Not asyncio.wait_for: before Python 3.12 it can swallow a cancellation.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(1.0):
                            await self.changed.wait()
            finally:
                self._begun = None
                await end()
                self._ended.set()

    async def release(self) -> None:
        """Hand the lease over at once, as on an orderly stop, when nothing is under way any more."""
        if not self.leading:
            return
        self._until = 0.0
        await self._free()

    async def _give_up(self) -> None:
        """Let another have it, once all that was done under it is over."""
        log.info("lease is given up", lease=self._settings.name, identity=self._settings.identity)
        self._until = 0.0
        self._announce()
        try:
            async with asyncio.timeout(self._settings.deadline):
                await self._ended.wait()
        except TimeoutError:
            return  # it stays ours, and what was to end is begun again once it has ended
        await self._free()

    async def _free(self) -> None:
        with contextlib.suppress(OperatorError, TimeoutError):
            async with asyncio.timeout(2.0):
                lease = await self._api.lease("GET", self._path())
                if lease["spec"].get("holderIdentity") == self._settings.identity:
                    spec = {**self._spec(lease["spec"]), "holderIdentity": "", "leaseDurationSeconds": 1}
                    await self._replace(lease, spec, wanted_by=_wanted_by(lease))

    async def _try(self) -> _Outcome:
        try:
            async with asyncio.timeout(2 * self._settings.period):
                if self._within is not None and not self._within.leading:
                    return _Outcome.UNKNOWN
                return await self._acquire()
        except (OperatorError, TimeoutError) as error:
            # A conflict says that it was written meanwhile, not by whom: the next look shows that.
            if isinstance(error, APIError) and not isinstance(error, (Conflict, NotFound)):
                log.warning("lease refused", error=str(error), status=error.status)
            return _Outcome.UNKNOWN

    async def _acquire(self) -> _Outcome:
        try:
            lease = await self._api.lease("GET", self._path())
        except NotFound:
            return await self._create()
        self._missing_since = None
        spec = lease["spec"]
        wanted_by = _wanted_by(lease)
        if _version(spec) != self._seen:
            self._seen, self._seen_at = _version(spec), self._monotonic()
        holder = spec.get("holderIdentity")
        self._seen_duration = float(spec.get("leaseDurationSeconds") or 0)
        expires = self._seen_at + self._seen_duration
        self.holder = holder if holder and self._monotonic() < expires else ""
        if holder == self._settings.identity:
            if self._shared:
                await self._renew(spec)
                return _Outcome.HELD
            if wanted_by not in ("", holder) and self.leading and self._policy.gives():
                return _Outcome.WANTED
        elif self.holder:
            self._free_since = None
            if wanted_by != self._settings.identity and self._policy.wants(self.holder):
                await self._replace(lease, spec, wanted_by=self._settings.identity)
            return _Outcome.NOT_OURS
        elif not self._may_take(wanted_by not in ("", self._settings.identity)):
            return _Outcome.NOT_OURS
        await self._replace(lease, self._spec(spec))
        self.holder, self._free_since = self._settings.identity, None
        return _Outcome.HELD

    async def _create(self) -> _Outcome:
        """Make it; whoever held one that was deleted may not know of that for a while."""
        self.holder = ""
        if self._missing_since is None:
            self._missing_since = self._monotonic()
        if not self.leading:
            missing_for = self._monotonic() - self._missing_since
            if self._there_was_one and missing_for < max(self._settings.duration, self._seen_duration):
                return _Outcome.NOT_OURS
            if not self._may_take(wanted=False):
                return _Outcome.NOT_OURS
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._settings.name, "namespace": self._settings.namespace},
            "spec": self._spec(None),
        }
        collection = resource_path("coordination.k8s.io", "v1", "leases", self._settings.namespace)
        made = await self._api.lease("POST", collection, body)
        self.is_first = self._seen is None
        self._seen, self._seen_at = _version(made["spec"]), self._monotonic()
        self.holder, self._free_since = self._settings.identity, None
        return _Outcome.HELD

    @property
    def _there_was_one(self) -> bool:
        """Whether somebody may have held it before.

        Of the operator's own lease a process that has just begun cannot tell.
        """
        return self._seen is not None or (self._within is not None and not self._within.is_first)

    def _may_take(self, wanted: bool) -> bool:
        now = self._monotonic()
        if self._free_since is None:
            self._free_since = now
        self.taking = self._policy.may_take(now - self._free_since, wanted)
        return self.taking

    async def _renew(self, spec: Object) -> None:
        """Write the time and the longest duration: of those that hold it together none is in another's way.

        Each of them must be believed to hold it for as long as its own settings say.
        """
        before = spec.get("leaseDurationSeconds")
        duration = max(before or 0, math.ceil(self._settings.duration))
        patch = [
            {"op": "test", "path": "/spec/holderIdentity", "value": self._settings.identity},
            {"op": "test", "path": "/spec/leaseDurationSeconds", "value": before},
            {"op": "replace", "path": "/spec/leaseDurationSeconds", "value": duration},
            {"op": "replace", "path": "/spec/renewTime", "value": to_micro_time(time.time())},
        ]
        await self._api.lease("PATCH", self._path(), patch)

    async def _replace(self, lease: Object, spec: Object, wanted_by: str = "") -> None:
        """Write with the version that was read: whoever is second gets a conflict."""
        metadata = {key: lease["metadata"][key] for key in ("name", "namespace", "resourceVersion")}
        if wanted_by:
            metadata["annotations"] = {WANTED_BY: wanted_by}
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        await self._api.lease("PUT", self._path(), body)

    def _path(self) -> str:
        return resource_path(
            "coordination.k8s.io", "v1", "leases", self._settings.namespace, self._settings.name
        )

    def _spec(self, before: Object | None) -> Object:
        now = to_micro_time(time.time())
        mine = before is not None and before.get("holderIdentity") == self._settings.identity
        transitions = int((before or {}).get("leaseTransitions") or 0)
        return {
            "holderIdentity": self._settings.identity,
            "leaseDurationSeconds": math.ceil(self._settings.duration),
            "renewTime": now,
            "acquireTime": (before or {}).get("acquireTime") or now if mine else now,
            "leaseTransitions": transitions if mine or before is None else transitions + 1,
        }


def _version(spec: Object) -> tuple[Any, ...]:
    """What is another whenever the lease was had or renewed, and the same when it was asked for."""
    return (spec.get("holderIdentity"), spec.get("renewTime"), spec.get("leaseTransitions"))


def _wanted_by(lease: Object) -> str:
    return str((lease["metadata"].get("annotations") or {}).get(WANTED_BY) or "")
