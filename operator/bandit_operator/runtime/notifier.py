"""Delivery of notices, beside the passes: bounded in number and in time, and never waited for.

Each receiver has a queue of its own, so that one that is slow delays no other. What does not fit is
dropped and counted; what is not delivered after a few attempts is given up: the status has the facts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog
from prometheus_client import Counter

from bandit_operator.adapters.notices import Notice
from bandit_operator.adapters.webhooks import Answer, Delivery, Webhook

log = structlog.get_logger()

WAITING: Final = 100
"""Most notices that wait for one receiver."""
BACK_OFF: Final = (1.0, 4.0, 16.0)
"""Seconds before the second, third and fourth attempt."""
CLOSE_SECONDS: Final = 5.0
"""How long what waits may still be delivered when the operator ends."""

Post = Callable[[Webhook, Notice], Awaitable[Answer]]
"""One attempt."""


class Notifier:
    """Tells receivers of what happened.

    Args:
        webhooks: the receivers.
        post: makes one attempt.
        counted: by outcome: delivered, retried, refused, failed or dropped.
        pause: waits for so many seconds.
    """

    def __init__(
        self,
        webhooks: Sequence[Webhook],
        post: Post,
        counted: Counter,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._queues = [(webhook, asyncio.Queue[Notice](WAITING)) for webhook in webhooks]
        self._post = post
        self._counted = counted
        self._pause = pause
        self._tasks: list[asyncio.Task[None]] = []

    def offer(self, notices: Sequence[Notice]) -> None:
        """Let the notices be delivered to whom they concern; returns at once."""
        for webhook, queue in self._queues:
            for notice in notices:
                if notice.kind not in webhook.kinds:
                    continue
                try:
                    queue.put_nowait(notice)
                except asyncio.QueueFull:
                    self._count("dropped", webhook, notice, f"{WAITING} others wait")

    def start(self) -> None:
        """Begin to deliver."""
        self._tasks = [
            asyncio.create_task(self._deliver_all(webhook, queue), name=f"notifications to {webhook.name}")
            for webhook, queue in self._queues
        ]

    async def close(self, within: float = CLOSE_SECONDS) -> None:
        """Deliver what waits, for so many seconds at the most, and stop; the rest is dropped."""
        joined = [asyncio.create_task(queue.join()) for _, queue in self._queues]
        if joined:
            await asyncio.wait(joined, timeout=within)
        for task in (*joined, *self._tasks):
            task.cancel()
        await asyncio.gather(*joined, *self._tasks, return_exceptions=True)
        for webhook, queue in self._queues:
            while not queue.empty():
                self._count("dropped", webhook, queue.get_nowait(), "the operator ends")

    async def _deliver_all(self, webhook: Webhook, queue: asyncio.Queue[Notice]) -> None:
        while True:
            notice = await queue.get()
            try:
                await self._deliver(webhook, notice)
            except asyncio.CancelledError:
                self._count("dropped", webhook, notice, "the operator ends")
                raise
            except Exception as error:  # whose text may hold an address: the kind must do
                self._count("failed", webhook, notice, f"an unexpected {type(error).__name__}")
            finally:
                queue.task_done()

    async def _deliver(self, webhook: Webhook, notice: Notice) -> None:
        for wait in (*BACK_OFF, None):
            answer = await self._post(webhook, notice)
            if answer.delivery is Delivery.FAILED and wait is not None:
                self._counted.labels("retried").inc()
                await self._pause(wait)
                continue
            self._count(answer.delivery, webhook, notice, answer.words)
            return

    def _count(self, outcome: str, webhook: Webhook, notice: Notice, words: str) -> None:
        self._counted.labels(outcome).inc()
        if outcome != Delivery.DELIVERED:
            log.warning(
                "notification not delivered",
                webhook=webhook.name,
                outcome=str(outcome),
                why=words,
                namespace=notice.namespace,
                name=notice.name,
                reason=notice.reason,
            )
