"""How signals end the operator: the first asks it to, and one that insists does not wait."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

import structlog

log = structlog.get_logger()

SAME_SECONDS = 0.1
"""Signals this close are one: a terminal sends it to a program and to what started it, which passes it on."""


class Ending:
    """Takes SIGTERM and SIGINT.

    Args:
        stop: set by the first of them; whoever waits for it ends in order.
        monotonic: seconds by the monotonic clock.
    """

    def __init__(self, stop: asyncio.Event, monotonic: Callable[[], float]) -> None:
        self._stop = stop
        self._monotonic = monotonic
        self._asked_at: float | None = None

    def take_signals(self) -> None:
        """Take them from now on, also from whoever in the running loop took them before."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.signalled, number)

    def signalled(self, number: signal.Signals) -> None:
        """Begin to end; at a second signal end at once, which whoever acts next makes good."""
        now = self._monotonic()
        if self._asked_at is None:
            self._asked_at = now
            self._stop.set()
        elif now - self._asked_at >= SAME_SECONDS:
            log.warning("ended at once: the leases are not handed over", signal=number.name)
            # As the signal itself would, from which the kernel spares the first process of a container.
            os._exit(128 + number)
