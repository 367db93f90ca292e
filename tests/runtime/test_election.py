"""Who acts, and who is told of it."""

from __future__ import annotations

import asyncio
import contextlib
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

    async def get(self, _path: str) -> dict[str, Any]:
        return self._lease

    async def lease(self, _method: str, _path: str, body: dict[str, Any]) -> dict[str, Any]:
        self._lease = body
        return body


async def test_who_saw_the_lease_run_out_is_told_when_it_is_renewed_late() -> None:
    now = 100.0
    elector = Elector(Leases(), SETTINGS, lambda: now)  # type: ignore[arg-type]  # of the API server it needs these two

    async def until_leading() -> None:
        while not elector.leading:
            elector.changed.clear()
            await elector.changed.wait()

    running = asyncio.create_task(elector.run())
    try:
        async with asyncio.timeout(5):
            await until_leading()
            now += SETTINGS.deadline + 1  # as when the machine is so busy that no renewal comes through
            assert not elector.leading
            await until_leading()
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
