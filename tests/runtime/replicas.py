"""Replicas of the operator that divide resources among them, in a time of their own.

Only leases, who looks at what, and how long a write is under way are there; seconds pass when nothing else is
to be done, so that hours of kills, broken connections and new settings take a moment.
"""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import random
from collections.abc import Coroutine
from typing import Any

from bandit_operator.api.references import Key
from bandit_operator.errors import APIUnreachable, Conflict, NotFound
from bandit_operator.runtime.election import LeaseSettings
from bandit_operator.runtime.scheduler import Requeue
from bandit_operator.runtime.shards import Shards, may_write

LEASE = LeaseSettings("operator", "system", "")
LONG_LEASE = dataclasses.replace(LEASE, duration=40.0, deadline=35.0)
"""As of replicas that were installed with other settings."""
WRITE_SECONDS = LEASE.duration - LEASE.deadline


class QuickLoop(asyncio.SelectorEventLoop):
    """Its time goes on as far as the next thing to do, at once."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 1000.0

    def time(self) -> float:
        """Seconds."""
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]  # asyncio's own, of which stubs know nothing
            self._now = max(self._now, self._scheduled[0].when())  # type: ignore[attr-defined]  # as above
        super()._run_once()  # type: ignore[misc]  # as above


def played(play: Coroutine[Any, Any, None]) -> None:
    """Run a play in such a time."""
    with asyncio.Runner(loop_factory=QuickLoop) as runner:
        runner.run(play)


@dataclasses.dataclass(frozen=True)
class Written:
    """A write, from when it was sent until it was over."""

    key: Key
    replica: str
    sent: float
    over: float


class World:
    """The API server's leases, and all that was written."""

    def __init__(self, seed: int, resources: int = 30) -> None:
        self.random = random.Random(seed)
        self.uids: dict[Key, str] = {("models", f"r{one}"): f"uid-{one}-{seed}" for one in range(resources)}
        self.leases: dict[str, dict[str, Any]] = {}
        self.written: list[Written] = []
        self.lease_writes = 0

    def put(self, path: str, body: dict[str, Any], version: str | None) -> dict[str, Any]:
        """Store a lease; ``version`` is the one that is replaced, None for none."""
        stored = self.leases.get(path)
        if (stored or {}).get("metadata", {}).get("resourceVersion") != version:
            raise Conflict(409, "the object has been modified")
        self.lease_writes += 1
        self.leases[path] = copy.deepcopy(body)
        self.leases[path]["metadata"]["resourceVersion"] = str(self.lease_writes)
        return self.leases[path]

    def patch(self, path: str, operations: list[dict[str, Any]]) -> dict[str, Any]:
        """Apply a JSON Patch of a lease that tests and replaces fields of its spec."""
        if path not in self.leases:
            raise NotFound(404, "not found")
        lease = copy.deepcopy(self.leases[path])
        for one in operations:
            field = one["path"].removeprefix("/spec/")
            if one["op"] == "test" and lease["spec"].get(field) != one["value"]:
                raise Conflict(422, "the test failed")
            lease["spec"][field] = one["value"]
        return self.put(path, lease, lease["metadata"]["resourceVersion"])


class Replica:
    """One of them, and its connection to the API server."""

    def __init__(
        self, world: World, name: str, shards: int, interval: float = 2.0, lease: LeaseSettings = LEASE
    ) -> None:
        self.world = world
        self.name = name
        self.interval = interval
        self.cut_off = False
        """Whether the API server cannot be reached."""
        self.slept = 0.0
        """Seconds that its process was stopped for."""
        self.seen: dict[Key, int] = {}
        """How often each resource was looked at."""
        self._writing: set[asyncio.Task[None]] = set()
        self.shards = Shards(
            self,  # type: ignore[arg-type]  # of the API server it needs leases
            dataclasses.replace(lease, identity=name),
            shards,
            work=self._look,
            concurrency=100,
            monotonic=lambda: asyncio.get_running_loop().time() + self.slept,
            resources=lambda: world.uids,
            uid_of=world.uids.get,
            forget=lambda _: None,
        )
        self._running = asyncio.create_task(self.shards.run(lambda: asyncio.sleep(0)))

    # ---- the API server ---------------------------------------------------------------

    async def lease(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Read, create, replace or renew a lease; the answer may be lost on its way."""
        await self._travel()
        if method == "GET":
            if path not in self.world.leases:
                raise NotFound(404, "not found")
            return copy.deepcopy(self.world.leases[path])
        if method == "PATCH":
            stored = self.world.patch(path, body)
        else:
            name = body["metadata"]["name"]
            place = path if method == "PUT" else f"{path}/{name}"
            stored = self.world.put(place, body, body["metadata"].get("resourceVersion"))
        await self._travel()
        return copy.deepcopy(stored)

    async def quiet(self) -> None:
        """Wait for the writes that are under way."""
        await asyncio.gather(*self._writing, return_exceptions=True)

    async def _travel(self) -> None:
        await asyncio.sleep(self.world.random.expovariate(50.0))
        if self.cut_off:
            await asyncio.sleep(3.0)
            raise APIUnreachable("no route to host")

    # ---- the passes -------------------------------------------------------------------

    async def _look(self, key: Key, _tick: bool) -> Requeue | None:
        self.seen[key] = self.seen.get(key, 0) + 1
        await asyncio.sleep(self.world.random.uniform(0.0, 2.0))
        if not may_write():
            return None
        write = asyncio.create_task(self._write(key))
        self._writing.add(write)
        write.add_done_callback(self._writing.discard)
        await asyncio.shield(write)
        return Requeue(self.interval, tick=True)

    async def _write(self, key: Key) -> None:
        loop = asyncio.get_running_loop()
        sent = loop.time()
        await asyncio.sleep(self.world.random.uniform(0.0, WRITE_SECONDS))
        self.world.written.append(Written(key, self.name, sent, loop.time()))

    # ---- how it ends ------------------------------------------------------------------

    async def stop(self) -> None:
        """End in order."""
        await self._end()
        await self.shards.release()

    async def kill(self) -> None:
        """End at once: what was sent is carried out all the same, and nobody is told anything."""
        self.cut_off = True
        await self._end()

    async def _end(self) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)


def owners(world: World, *replicas: Replica) -> dict[Key, list[str]]:
    """Who looks at each resource at this moment."""
    return {key: [one.name for one in replicas if one.shards.owns(key)] for key in world.uids}


def overlapping(written: list[Written]) -> list[tuple[Written, Written]]:
    """Writes of one resource by two replicas that were under way at the same time."""
    newest: dict[Key, Written] = {}
    found = []
    for one in sorted(written, key=lambda one: one.sent):
        before = newest.get(one.key)
        if before is not None and before.replica != one.replica and one.sent < before.over:
            found.append((before, one))
        if before is None or one.over > before.over:
            newest[one.key] = one
    return found
