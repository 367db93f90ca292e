"""Asks one arm, and reports what it predicts."""

from __future__ import annotations

import io
import time

import aiohttp
from yarl import URL

from bandit_serving.logs import get_logger
from bandit_serving.predictions import PredictionEvents
from bandit_serving.shadow.breaker import Breaker
from bandit_serving.shadow.copies import Copy
from bandit_serving.shadow.metrics import ShadowMetrics
from bandit_serving.shadow.protocols import Protocol

log = get_logger(__name__)

# An arm that is overloaded is to be left alone too; any other 4xx is about the request.
_FAILURES = frozenset({"timeout", "connection", "status_5xx", "too_long"})
_TOO_MANY_REQUESTS = 429


_AT_ONCE_BYTES = 2**20  # what aiohttp writes in one piece; a longer body goes out in several


def _sendable(body: bytes) -> bytes | io.BytesIO:
    return body if len(body) <= _AT_ONCE_BYTES else io.BytesIO(body)


class NoPrediction(Exception):
    """An arm gave none; ``outcome`` is the word that it is counted under."""

    def __init__(self, outcome: str, message: str, *, failed: bool | None = None) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.failed = outcome in _FAILURES if failed is None else failed


class Arm:
    """One arm: its address, its breaker and the queue of its predictions."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        protocol: Protocol,
        breaker: Breaker,
        events: PredictionEvents,
        metrics: ShadowMetrics,
        most_bytes: int,
    ) -> None:
        """Prepare to ask.

        Args:
            name: Its name.
            url: Base URL, to which path and query of a copy are added.
            protocol: Finds predictions in answers.
            breaker: Says when to leave it alone.
            events: Where its predictions go.
            metrics: Counts calls.
            most_bytes: Longest answer.
        """
        self.name, self.breaker, self.events = name, breaker, events
        self._url, self._protocol, self._metrics = url.rstrip("/"), protocol, metrics
        self._most_bytes = most_bytes

    async def score(self, client: aiohttp.ClientSession, copy: Copy) -> None:
        """Ask once, unless the breaker is open, and report the predictions."""
        started = time.monotonic()
        if not self.breaker.allows(started):
            self._metrics.call(self.name, "breaker_open")
            return
        outcome, failed = "answered", False
        try:
            self.events.add(copy.id, await self._ask(client, copy))
        except NoPrediction as error:
            outcome, failed = error.outcome, error.failed
            log.debug("no prediction", arm=self.name, outcome=outcome, reason=str(error))
        except Exception:
            # A breaker that waits for this call's outcome would never be told, and leave the arm alone for
            # good; and the call would be in no count.
            outcome, failed = "nonsense", True
            log.exception("call failed", arm=self.name, id=copy.id)
        now = time.monotonic()
        before = self.breaker.state
        self.breaker.record(failed, now)
        if self.breaker.state is not before:
            log.warning("breaker", arm=self.name, state=self.breaker.state, outcome=outcome)
        self._metrics.call(self.name, outcome, now - started)

    async def _ask(self, client: aiohttp.ClientSession, copy: Copy) -> list[dict[str, object]]:
        """Return the outputs of each row by name.

        Raises:
            NoPrediction: There are none.
        """
        url = URL(self._url + copy.target, encoded=True)
        try:
            async with client.request(
                copy.method, url, data=_sendable(copy.body), headers=copy.headers, allow_redirects=False
            ) as answer:
                if answer.status >= 300:
                    overloaded = answer.status == _TOO_MANY_REQUESTS or None
                    raise NoPrediction(
                        f"status_{answer.status // 100}xx", f"HTTP {answer.status}", failed=overloaded
                    )
                body = await self._read(answer)
                return self._protocol.rows(body, answer.headers)
        except TimeoutError as error:
            raise NoPrediction("timeout", "no whole answer within the deadline") from error
        except aiohttp.ClientError as error:
            raise NoPrediction("connection", f"{type(error).__name__}: {error}") from error
        except ValueError as error:
            raise NoPrediction("nonsense", str(error)) from error

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in answer.content.iter_any():
            body += chunk
            if len(body) > self._most_bytes:
                raise NoPrediction("too_long", f"the answer has more than {self._most_bytes} bytes")
        return bytes(body)
