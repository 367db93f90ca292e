"""Delivers events to the reward collector in batches until each is acknowledged.

Used by the sample arm and the shadow server for prediction events and by the replayer for its labels. The
collector counts an event once however often it arrives, so sending again after a doubtful answer is safe.
"""

from __future__ import annotations

import asyncio
import collections
import json
from typing import Any, NamedTuple

import aiohttp

from bandit_serving.logs import get_logger
from bandit_serving.tokens import TokenFile

log = get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0  # seconds between tries; doubles from the first to the longest
# The 4xx that another try may cure (401: the token is being replaced); the others would fail again.
RETRIED_STATUS = frozenset({401, 408, 425, 429})
# One event may be to blame for the whole batch, or their number: halves tell which.
DIVIDED_STATUS = frozenset({400, 413})
MOST_CHARACTERS_SHOWN = 500  # of an answer, in logs


class _Failure(NamedTuple):
    """Why a batch was not taken."""

    text: str
    pause: float | None
    """Least seconds before another try; None where it would fail again."""
    divides: bool = False
    """Whether a part of the batch may be taken."""


class BatchSender:
    """A bounded queue of JSON events and the task that posts them."""

    def __init__(
        self,
        client: aiohttp.ClientSession,
        url: str,
        *,
        capacity: int = 100_000,
        batch_size: int = 500,
        linger: float = 0.05,
        token: TokenFile | None = None,
    ) -> None:
        """Prepare to post to ``url``.

        Args:
            client: The HTTP client; closed by its owner.
            url: Where batches, JSON arrays of events, are posted.
            capacity: Most events that wait in memory.
            batch_size: Most events in one post.
            linger: Seconds to wait for company after the first event of a batch.
            token: Has the bearer token that the receiver asks for.
        """
        self.delivered = 0
        """Events acknowledged."""
        self.dropped = 0
        """Events refused because the queue was full."""
        self.rejected = 0
        """Events given up because the receiver answered that they are wrong."""
        self.retries = 0
        """Posts that were tried again."""
        self.url = url
        """Where batches are posted."""
        self._client = client
        self._capacity, self._batch_size, self._linger = capacity, batch_size, linger
        self._token = token
        self._queue: collections.deque[dict[str, Any]] = collections.deque()
        self._sending = 0
        self._wake = asyncio.Event()
        self._closing = False

    @property
    def pending(self) -> int:
        """Events that are neither acknowledged nor given up."""
        return len(self._queue) + self._sending

    def put(self, event: dict[str, Any]) -> bool:
        """Queue an event; False, and counted as dropped, if the queue is full."""
        if self.pending >= self._capacity:
            self.dropped += 1
            return False
        self._queue.append(event)
        self._wake.set()
        return True

    def close(self) -> None:
        """Let ``run`` return as soon as nothing is pending; no linger from here on."""
        self._closing = True
        self._wake.set()

    async def run(self) -> None:
        """Post batches until ``close`` was called and every event is settled."""
        while True:
            await self._wake.wait()
            if not self._queue:
                if self._closing:
                    return
                self._wake.clear()
                continue
            if len(self._queue) < self._batch_size and not self._closing:
                await asyncio.sleep(self._linger)
            batch = [self._queue.popleft() for _ in range(min(self._batch_size, len(self._queue)))]
            self._sending = len(batch)
            await self._settle(batch)

    async def _settle(self, batch: list[dict[str, Any]]) -> None:
        """Post a batch until it is acknowledged, and give up only those events of it that are at fault."""
        failure = await self._post_until_settled(batch)
        if failure is None:
            self.delivered += len(batch)
            self._sending -= len(batch)
        elif failure.divides and len(batch) > 1:
            half = len(batch) // 2
            await self._settle(batch[:half])
            await self._settle(batch[half:])
        else:
            self.rejected += len(batch)
            self._sending -= len(batch)
            log.error("events rejected", url=self.url, events=len(batch), answer=failure.text)

    async def _post_until_settled(self, batch: list[dict[str, Any]]) -> _Failure | None:
        """Post until the receiver takes the batch (None) or says that it never will."""
        try:
            body = json.dumps(batch, separators=(",", ":"), allow_nan=False).encode()
        except (ValueError, RecursionError) as error:  # no receiver takes what is no JSON
            return _Failure(f"not sent: {error}", None, divides=True)
        pause = FIRST_PAUSE
        while True:
            failure = await self._post(body)
            if failure is None or failure.pause is None:
                return failure
            self.retries += 1
            if self.retries % 20 == 1:
                log.warning(
                    "events not delivered yet", url=self.url, pending=self.pending, reason=failure.text
                )
            await asyncio.sleep(max(pause, failure.pause))
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _post(self, body: bytes) -> _Failure | None:
        """Post once; return the failure if any."""
        headers = {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.first}"
        try:
            async with self._client.post(
                self.url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                # Whoever stands between may answer in any encoding, and at any length.
                said = (await answer.content.read(MOST_CHARACTERS_SHOWN)).decode(errors="replace")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # A ValueError says that the URL or the answer is none, which somebody may still mend.
            return _Failure(f"{type(error).__name__}: {error}", 0.0)
        if 200 <= answer.status < 300:
            return None
        text = f"HTTP {answer.status}: {said}"
        if 400 <= answer.status < 500 and answer.status not in RETRIED_STATUS:
            return _Failure(text, None, answer.status in DIVIDED_STATUS)
        try:
            return _Failure(text, min(float(answer.headers.get("Retry-After", 0)), 10.0))
        except ValueError:  # an HTTP date instead of seconds
            return _Failure(text, 1.0)
