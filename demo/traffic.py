"""The traffic of the demo: the replayer of ``bandit_serving``, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from bandit_serving.replay import Answer, Replayer, load_rows, parse_delay
from cluster.client import Cluster


class Traffic:
    """Requests through the gateway and, after a delay, their labels."""

    def __init__(
        self,
        cluster: Cluster,
        name: str,
        stream: Path,
        rate: float,
        delay: str,
        requests: int | None = None,
        on_answer: Callable[[Answer], None] = lambda _answer: None,
    ) -> None:
        """Prepare the traffic; ``start`` begins it.

        Args:
            cluster: Its gateway gets the requests.
            name: Of the model, and of the route in the labels.
            stream: .npz file with the rows.
            rate: Requests a second.
            delay: From an answer to its label, as ``bandit-serving replay`` takes it.
            requests: Most requests; without end if None.
            on_answer: Called in the traffic's own thread with what became of each request.
        """
        gateway = cluster.endpoints.gateway
        self._model = f"{gateway}/v2/models/{name}"
        self.replayer = Replayer(
            load_rows(stream),
            url=f"{self._model}/infer",
            route=name,
            rate=rate,
            labels=gateway,
            delay=parse_delay(delay),
            on_answer=self._answered,
        )
        """Its counters may be read at any time."""
        self.error: BaseException | None = None
        """Why it ended early; None while all is well."""
        self._requests, self._on_answer = requests, on_answer
        self._last_answer: dict[str, float] = {}
        self.answers: dict[str, int] = {}
        """Requests that each arm has answered so far."""
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)

    @property
    def routed(self) -> bool:
        """Whether the gateway forwards requests already: it accepts a route before it serves it."""
        try:
            return httpx.get(self._model, timeout=5).is_success
        except httpx.HTTPError:
            return False

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more requests; labels that are due go on."""
        self.replayer.stop()

    def finish(self, seconds: float) -> None:
        """Stop, and give requests and labels that are under way so long to arrive."""
        self.stop()
        if self._thread.ident is not None:
            self._thread.join(seconds)

    @property
    def ended(self) -> bool:
        """Whether every request is answered and every label acknowledged."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def last_answer(self, arm: str) -> float | None:
        """Return when an arm answered last, in seconds since 1970; None if it never did."""
        return self._last_answer.get(arm)

    def _answered(self, answer: Answer) -> None:
        if answer.arm:
            self._last_answer[answer.arm] = time.time()
            self.answers[answer.arm] = self.answers.get(answer.arm, 0) + 1
        self._on_answer(answer)

    def _run(self) -> None:
        try:
            asyncio.run(self.replayer.run(requests=self._requests))
        except Exception as error:  # raised by whoever waits for the traffic
            self.error = error
