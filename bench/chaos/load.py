"""A steady load: so many requests a second on each route, whatever becomes of them.

``bench/overhead`` sends with vegeta, at one rate to one address; here routes come and go while others
are sent to, and each failure has to be dated.
"""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass

import aiohttp

TIMEOUT = 5.0
"""Seconds after which a request counts as failed."""
CONNECTIONS = 60


@dataclass(frozen=True, slots=True)
class Request:
    """One request through the gateway."""

    sent: float
    """Seconds since 1970."""
    arm: str
    """Which arm answered; empty where none did."""
    error: str
    """Status or kind of error; empty where it was answered well."""


class Load:
    """Requests in a thread of their own; rates may be changed from any other."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway
        self._rates: dict[str, float] = {}
        self._requests: dict[str, list[Request]] = {}
        self._ended = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load", daemon=True)
        self._thread.start()

    def set(self, route: str, rate: float) -> None:
        """Send so many requests a second to ``/route`` from now on; 0 ends it."""
        self._rates[route] = rate

    def requests(self, route: str) -> list[Request]:
        """Return what became of the requests of a route, in the order in which they were answered."""
        return list(self._requests.get(route, ()))

    def end(self) -> None:
        """Send nothing more."""
        self._ended = True
        self._thread.join(TIMEOUT + 1)

    async def _run(self) -> None:
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        due: dict[str, float] = {}
        pending: set[asyncio.Task[None]] = set()
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            while not self._ended:
                now = time.monotonic()
                for route, rate in list(self._rates.items()):
                    if rate <= 0:
                        due.pop(route, None)
                        continue
                    # After a stop of this process what was missed is not sent at once.
                    at = max(due.get(route, now), now - 1.0)
                    while at <= now:
                        task = asyncio.create_task(self._send(session, route))
                        pending.add(task)
                        task.add_done_callback(pending.discard)
                        at += 1.0 / rate
                    due[route] = at
                await asyncio.sleep(0.01)
            await asyncio.gather(*pending, return_exceptions=True)

    async def _send(self, session: aiohttp.ClientSession, route: str) -> None:
        sent, arm, error = time.time(), "", ""
        try:
            async with session.get(f"{self._gateway}/{route}/") as answer:
                arm = await answer.text()
                if answer.status != 200:
                    arm, error = "", str(answer.status)
        except (aiohttp.ClientError, TimeoutError) as failed:
            arm, error = "", type(failed).__name__
        self._requests.setdefault(route, []).append(Request(sent, arm, error))
