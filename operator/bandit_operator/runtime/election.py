"""Which replica acts: a Lease as client-go keeps it, with a deadline that a stopped process cannot miss.

``leading`` is a question of the monotonic clock alone, counted from before the request that
renewed the lease, and is asked before every write. A process that was stopped for longer
than the deadline therefore knows when it wakes that it no longer leads, before it has spoken
to anyone. Another holder's lease is believed to have expired only once it has not changed
for its whole duration by this process's own clock: clocks of two machines are not compared.
(Lease: https://kubernetes.io/docs/concepts/architecture/leases/)
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from bandit_operator.adapters.kubernetes import KubernetesAPI, Object, resource_path
from bandit_operator.errors import APIError, Conflict, NotFound, OperatorError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """Whose lease, and its times in seconds: ``period < deadline < duration``."""

    name: str
    namespace: str
    identity: str
    duration: float = 15.0
    deadline: float = 10.0
    period: float = 2.0


class Elector:
    """Tries to hold the lease for as long as ``run`` runs."""

    def __init__(
        self, api: KubernetesAPI, settings: LeaseSettings, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._api = api
        self._settings = settings
        self._monotonic = monotonic
        self._until = 0.0
        self._seen: tuple[Any, ...] | None = None
        self._seen_at = 0.0
        self._announced = False
        self._term = 0
        self.changed = asyncio.Event()
        """Set whenever leadership was won or lost; whoever waits clears it."""

    @property
    def leading(self) -> bool:
        """Whether this process may write at this moment."""
        return self._monotonic() < self._until

    async def run(self) -> None:
        """Acquire and renew until cancelled."""
        while True:
            began = self._monotonic()
            held = await self._try()
            self._announce()  # it may have run out meanwhile: whoever saw that waits to be told of its return
            if held:
                self._until = began + self._settings.deadline
            elif held is False:
                self._until = 0.0
            self._announce()
            await asyncio.sleep(self._settings.period * (0.5 if held is None else 1.0))

    def _announce(self) -> None:
        """Say that leadership was won or lost, also where it ran out while the process slept."""
        if self.leading != self._announced:
            self._announced = self.leading
            self._term += 1
            log.info("leadership", leading=self.leading, identity=self._settings.identity)
            self.changed.set()

    async def lead(
        self,
        begin: Callable[[], None],
        work: Callable[[], Coroutine[Any, Any, None]],
        end: Callable[[], None],
    ) -> None:
        """Work while the lease is held, until cancelled.

        Where it ran out and was had again before anybody looked, that is another term all the same: what was
        given up in between is begun again.

        Args:
            begin: called as each term begins.
            work: done in each term; cancelled at its end.
            end: called after that.

        Raises:
            Exception: What ended the work by itself.
        """
        while True:
            while not self.leading:
                self.changed.clear()
                await self.changed.wait()
            term = self._term
            begin()
            working = asyncio.create_task(work(), name="work of a term")
            try:
                while self.leading and self._term == term:
                    self.changed.clear()
                    lost = asyncio.create_task(self.changed.wait())
                    await asyncio.wait([lost, working], timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
                    lost.cancel()
                    if working.done():
                        working.result()
            finally:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
                end()

    async def release(self) -> None:
        """Hand the lease over at once, as on an orderly stop."""
        if not self.leading:
            return
        self._until = 0.0
        with contextlib.suppress(OperatorError, TimeoutError):
            async with asyncio.timeout(2.0):
                lease = await self._api.get(self._path())
                if lease["spec"].get("holderIdentity") == self._settings.identity:
                    spec = {**self._spec(lease["spec"]), "holderIdentity": "", "leaseDurationSeconds": 1}
                    await self._replace(lease, spec)

    async def _try(self) -> bool | None:
        """True: held. False: surely another's. None: unknown, what was held stays until the deadline."""
        try:
            async with asyncio.timeout(2 * self._settings.period):
                return await self._acquire()
        except (Conflict, NotFound):
            return False
        except (OperatorError, TimeoutError) as error:
            if isinstance(error, APIError):
                log.warning("lease refused", error=str(error), status=error.status)
            return None

    async def _acquire(self) -> bool:
        try:
            lease = await self._api.get(self._path())
        except NotFound:
            body = {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": self._settings.name, "namespace": self._settings.namespace},
                "spec": self._spec(None),
            }
            collection = resource_path("coordination.k8s.io", "v1", "leases", self._settings.namespace)
            await self._api.lease("POST", collection, body)
            return True
        spec = lease["spec"]
        key = (spec.get("holderIdentity"), spec.get("renewTime"), spec.get("leaseTransitions"))
        if key != self._seen:
            self._seen, self._seen_at = key, self._monotonic()
        holder = spec.get("holderIdentity")
        expires = self._seen_at + float(spec.get("leaseDurationSeconds") or 0)
        if holder and holder != self._settings.identity and self._monotonic() < expires:
            return False
        await self._replace(lease, self._spec(spec))
        return True

    async def _replace(self, lease: Object, spec: Object) -> None:
        """Write with the version that was read: whoever is second gets a conflict."""
        metadata = {key: lease["metadata"][key] for key in ("name", "namespace", "resourceVersion")}
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        await self._api.lease("PUT", self._path(), body)

    def _path(self) -> str:
        return resource_path(
            "coordination.k8s.io", "v1", "leases", self._settings.namespace, self._settings.name
        )

    def _spec(self, before: Object | None) -> Object:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        mine = before is not None and before.get("holderIdentity") == self._settings.identity
        transitions = int((before or {}).get("leaseTransitions") or 0)
        return {
            "holderIdentity": self._settings.identity,
            "leaseDurationSeconds": math.ceil(self._settings.duration),
            "renewTime": now,
            "acquireTime": (before or {}).get("acquireTime") or now if mine else now,
            "leaseTransitions": transitions if mine or before is None else transitions + 1,
        }
