"""Who acts, and who is told of it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from bandit_operator.runtime.election import Elector, LeaseSettings

SETTINGS = LeaseSettings("operator", "system", "me", duration=15.0, deadline=10.0, period=0.01)


class Leases:
    """An API server with one lease, which nobody else wants."""

    def __init__(self) -> None:
        self._lease: dict[str, Any] = {
            "metadata": {"name": "operator", "namespace": "system", "resourceVersion": "1"},
            "spec": {},
        }

        self.renewals = 0

    @property
    def spec(self) -> dict[str, Any]:
        """What the lease says."""
        return dict(self._lease["spec"])

    async def lease(self, method: str, _path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        if method == "GET" or body is None:
            return self._lease
        self._lease = body
        self.renewals += 1
        return body


@contextlib.asynccontextmanager
async def ended_afterwards(*parts: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run parts that never end, and cancel them in the end; nothing here takes five seconds."""
    running = [asyncio.create_task(part) for part in parts]
    try:
        async with asyncio.timeout(5):
            yield
    finally:
        for part in running:
            part.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def test_what_was_given_up_is_begun_again_after_a_lapse_that_nobody_waited_through() -> None:
    now, begun, ended, working = 100.0, [], [], asyncio.Event()
    elector = Elector(Leases(), SETTINGS, lambda: now)  # type: ignore[arg-type]  # of the API server it needs leases

    def begin() -> None:
        begun.append(now)
        working.set()

    async def end() -> None:
        ended.append(now)

    async with ended_afterwards(elector.lead(begin, end), elector.run()):
        await working.wait()
        assert begun == [100.0]
        working.clear()
        now += SETTINGS.deadline + 1  # run out, and renewed before whoever leads has turned
        await working.wait()
    assert begun == [100.0, 111.0]
    assert ended == [111.0, 111.0]


async def test_a_renewal_in_time_leaves_the_work_alone() -> None:
    leases, begun = Leases(), []

    def monotonic() -> float:
        return 100.0 + SETTINGS.deadline / 4 * leases.renewals

    async def end() -> None:
        pass

    elector = Elector(leases, SETTINGS, monotonic)  # type: ignore[arg-type]  # of the API server it needs leases
    async with ended_afterwards(elector.lead(lambda: begun.append(1), end), elector.run()):
        while leases.renewals < 20:
            await asyncio.sleep(SETTINGS.period)
    assert begun == [1]


async def test_a_duration_is_said_in_whole_seconds_and_no_shorter_than_it_is() -> None:
    leases = Leases()
    elector = Elector(leases, dataclasses.replace(SETTINGS, duration=10.5))  # type: ignore[arg-type]  # as above
    async with ended_afterwards(elector.run()):
        await elector.changed.wait()
    assert leases.spec["leaseDurationSeconds"] == 11


async def test_who_saw_the_lease_run_out_is_told_when_it_is_renewed_late() -> None:
    now = 100.0
    elector = Elector(Leases(), SETTINGS, lambda: now)  # type: ignore[arg-type]  # of the API server it needs leases

    async def until_leading() -> None:
        while not elector.leading:
            elector.changed.clear()
            await elector.changed.wait()

    async with ended_afterwards(elector.run()):
        await until_leading()
        now += SETTINGS.deadline + 1  # as when the machine is so busy that no renewal comes through
        assert not elector.leading
        await until_leading()
