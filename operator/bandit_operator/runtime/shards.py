"""Which resources this replica looks at: those whose shard's Lease it holds.

The resources are divided among a fixed number of shards, and each shard has a Lease, which one replica holds
at a time. So the question of who may write a resource is that of a Lease, as it is with one replica; a single
shard is the case in which the operator's own Lease is that of all resources. A replica takes a shard that is
free, sooner the fewer it has, and one that has two fewer than another asks for one of the other's.

How many shards there are is part of every replica's settings, and replicas that count differently must not
act beside each other. Those that count alike therefore hold the operator's own Lease together, under one name
that says the number, and act within it alone (docs/adr/0020-shards-are-leases.md).
"""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import functools
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from bandit_operator.adapters.kubernetes import KubernetesAPI
from bandit_operator.api.references import Key
from bandit_operator.runtime.election import Elector, LeaseSettings
from bandit_operator.runtime.scheduler import Requeue, Scheduler, Work

MOST_SHARDS = 16
"""Most shards, since every replica looks at each of their leases in every period."""


def shard_of(uid: str, shards: int) -> int:
    """The shard of a resource, from 0: the one whose number and the uid have the greatest hash.

    Another shard takes its part from all others, and nothing moves between those. (Rendezvous hashing: Thaler
    and Ravishankar, IEEE/ACM Transactions on Networking 6(1), 1998.)

    Args:
        uid: of the resource.
        shards: how many there are, 1 to ``MOST_SHARDS``.
    """
    return max(range(shards), key=lambda shard: hashlib.blake2b(f"{shard}/{uid}".encode()).digest())


@dataclass(frozen=True, slots=True)
class _Turn:
    """Under which lease, and in which of its terms, a pass is made."""

    elector: Elector
    term: tuple[int, ...]


_TURN: contextvars.ContextVar[_Turn | None] = contextvars.ContextVar("turn", default=None)


def may_write() -> bool:
    """Whether the pass in which this is asked may write at this moment; outside of a pass nothing may."""
    turn = _TURN.get()
    return turn is not None and turn.elector.acting == turn.term


class Shards:
    """Holds the shards' leases, and has their resources looked at."""

    def __init__(
        self,
        api: KubernetesAPI,
        lease: LeaseSettings,
        shards: int,
        *,
        work: Work,
        concurrency: int,
        monotonic: Callable[[], float],
        resources: Callable[[], Iterable[Key]],
        uid_of: Callable[[Key], str | None],
        forget: Callable[[Callable[[Key], bool]], None],
    ) -> None:
        """Work on the resources of any of the shards.

        Args:
            api: through which leases are held, and whose writes are waited for.
            lease: the operator's own.
            shards: how many there are, 1 to ``MOST_SHARDS``.
            work: look at one resource.
            concurrency: most resources that are looked at at once.
            monotonic: seconds by the monotonic clock.
            resources: all that are known, and those that are gone and have left something to do.
            uid_of: that of one of them; None where it is not known any more.
            forget: called with what says which resources are this replica's no longer.
        """
        self._api = api
        self._work = work
        self._resources = resources
        self._uid_of = uid_of
        self._forget = forget
        self._uids: dict[Key, str] = {}
        self.scheduler = Scheduler(self._look, concurrency, monotonic)
        self._together: Elector | None = None
        if shards == 1:
            self._electors = [Elector(api, lease, monotonic)]
            return
        alike = dataclasses.replace(lease, identity=f"shards-of-{shards}")
        self._together = Elector(api, alike, monotonic, shared=True)
        self._electors = []
        for number in range(shards):
            one = dataclasses.replace(lease, name=f"{lease.name}-{number}")
            policy = _EvenParts(self._electors, number, lease.period)
            self._electors.append(Elector(api, one, monotonic, policy=policy, within=self._together))

    def __len__(self) -> int:
        """How many shards there are."""
        return len(self._electors)

    @property
    def held(self) -> int:
        """How many of them this replica holds."""
        return sum(one.leading for one in self._electors)

    def owns(self, key: Key) -> bool:
        """Whether a resource is this replica's to look at."""
        shard = self._shard_of(key)
        return shard is not None and self._electors[shard].acting is not None

    def wake(self, key: Key) -> None:
        """Look at a resource soon, if it is ours, because something that it depends on has changed."""
        if self.owns(key):
            self.scheduler.wake(key)
        else:
            self._forget_uid_of_gone(key)

    def start(self, key: Key) -> None:
        """Look at a resource soon, if it is ours, and, as far as one is due, read its window."""
        if self.owns(key):
            self.scheduler.start(key)

    async def run(self, until_listed: Callable[[], Awaitable[None]]) -> None:
        """Hold leases and work until cancelled; then nothing is under way any more.

        Args:
            until_listed: waits for the first lists of all objects; nothing is looked at before, while leases
                are taken meanwhile.
        """
        async with asyncio.TaskGroup() as parts:
            parts.create_task(self._schedule(until_listed), name="scheduler")
            if self._together is not None:
                parts.create_task(self._together.run(), name="election")
            for number, elector in enumerate(self._electors):
                begin = functools.partial(self._begin, number)
                end = functools.partial(self._end, number)
                parts.create_task(elector.run(), name=f"election of shard {number}")
                parts.create_task(elector.lead(begin, end), name=f"shard {number}")

    async def release(self) -> None:
        """Hand all shards over, as on an orderly stop, after ``run`` has ended."""
        await asyncio.gather(*(one.release() for one in self._electors))

    async def _schedule(self, until_listed: Callable[[], Awaitable[None]]) -> None:
        await until_listed()
        await self.scheduler.run()

    def _begin(self, shard: int) -> None:
        """Start from the statuses, as whoever comes to lead must."""
        for key in list(self._resources()):
            if self._shard_of(key) == shard:
                self.scheduler.start(key)

    async def _end(self, shard: int) -> None:
        """End what is under way, and wait until the last write of it is over."""

        def dropped(key: Key) -> bool:
            return self._shard_of(key) == shard

        await self.scheduler.drop(dropped)
        self._forget(dropped)
        await self._api.quiet()

    async def _look(self, key: Key, tick: bool) -> Requeue | None:
        shard = self._shard_of(key)
        elector = None if shard is None else self._electors[shard]
        term = None if elector is None else elector.acting
        if elector is None or term is None:
            return None  # another replica's by now
        _TURN.set(_Turn(elector, term))  # of this pass alone, which is a task of its own
        self._forget_uid_of_gone(key)
        return await self._work(key, tick)

    def _shard_of(self, key: Key) -> int | None:
        uid = self._uid_of(key)
        if uid is not None:
            self._uids[key] = uid  # for the last pass, after it is gone
        else:
            uid = self._uids.get(key)
        return None if uid is None else shard_of(uid, len(self._electors))

    def _forget_uid_of_gone(self, key: Key) -> None:
        if self._uid_of(key) is None:
            self._uids.pop(key, None)


class _EvenParts:
    """Of several leases: each replica as many as the others."""

    def __init__(self, electors: list[Elector], number: int, period: float) -> None:
        """For the elector of that number, with the period of renewal in seconds."""
        self._electors = electors
        self._number = number
        self._period = period

    def may_take(self, free_for: float, wanted: bool) -> bool:
        """A second one a period later than who has fewer, and what another asked for later than that."""
        patience = max(0, self._held - 1) + (2 if wanted else 0)
        return free_for >= patience * self._period

    def wants(self, holder: str) -> bool:
        """One of theirs, where they have two more."""
        theirs = [number for number, one in enumerate(self._electors) if one.holder == holder]
        return theirs[-1:] == [self._number] and len(theirs) >= self._held + 2

    def gives(self) -> bool:
        """Not the only one."""
        return self._held >= 2

    @property
    def _held(self) -> int:
        return sum(one.leading or one.taking for one in self._electors)
