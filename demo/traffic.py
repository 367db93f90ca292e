"""The traffic of the demo: the replayer of `bandit_serving`, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time

from bandit_serving.replay import Answer, Replayer, load_rows, parse_delay
from cluster.client import Cluster
from demo.installation import NAME
from demo.models import Prepared

LABEL_DELAY = "uniform:0.5s,1.5s"


class Traffic:
    """Requests through the gateway and, about a second later, their labels.

    Attributes:
        replayer: Its counters may be read at any time.
        error: Why it ended early; None while all is well.
    """

    def __init__(self, cluster: Cluster, prepared: Prepared, rate: float) -> None:
        gateway = cluster.endpoints.gateway
        self.replayer = Replayer(
            load_rows(prepared.stream),
            url=f"{gateway}/v2/models/{NAME}/infer",
            route=NAME,
            rate=rate,
            labels=gateway,
            delay=parse_delay(LABEL_DELAY),
            on_answer=self._answered,
        )
        self.error: BaseException | None = None
        self._last_answer: dict[str, float] = {}
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)

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

    def _run(self) -> None:
        try:
            asyncio.run(self.replayer.run())
        except Exception as error:  # told by whoever waits for the traffic
            self.error = error
