"""A model server that counts a reward for each request that it answers, and can be told to misbehave.

``served_model.py PORT ROUTE ARM``: GET / says whether it is ready, GET /metrics has the counters, every
other path is a request, which counts unless it ends in /probe. What it does is written in the file
/control/ROUTE.ARM.json, which is read again when it changes: see ``Behaviour``. Its Pods have a file
system of their own, so counters live and die with the process, as those of most model servers do.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import deque
from dataclasses import dataclass, fields
from pathlib import Path

LOOK_SECONDS = 0.1
"""How old the behaviour may be."""
LEAVING_SECONDS = 1.5
"""How long it serves after SIGTERM: the endpoint is taken away meanwhile."""


@dataclass(frozen=True)
class Behaviour:
    """What the server does."""

    mean: float = 0.5
    """Probability of a reward."""
    ready: bool = True
    """What the readiness probe gets."""
    lives: float = 0.0
    """Seconds after its start at which the process fails; 0 for never."""
    more: tuple[float, float] = (0.0, 0.0)
    """What /metrics adds to trials and successes: a life before, a jump, a dip."""
    workers: int = 1
    """Processes that share the address, each with counters of its own: a scrape meets any of them."""
    late: float = 0.0
    """How many seconds later than their own time samples can be scraped."""
    rewards_a_trial: float = 1.0
    """Successes that are counted for one: above 1 there are more successes than trials."""
    text: str = ""
    """What /metrics has for the successes instead of a number, such as NaN."""
    dotted: bool = False
    """Whether there are series, too, whose names and label names have dots, as those of OpenTelemetry."""
    replica: bool = False
    """Whether each series is there again, as another Prometheus' that answers together with the first."""


class Server:
    """One process of an arm."""

    def __init__(self, route: str, arm: str) -> None:
        self.labels = f'{{route="{route}",arm="{arm}"}}'
        self.dotted = f'"service.namespace"="{route}","service.name"="{arm}"'
        self.arm = arm
        self.file = Path("/control") / f"{route}.{arm}.json"
        self.behaviour = Behaviour()
        self.counters = [[0.0, 0.0]]
        self.past: deque[tuple[float, float, float]] = deque(maxlen=3000)
        self.started = time.monotonic()
        self._looked = self._changed = -1.0

    def look(self) -> None:
        """Read what it is to do, where that has changed."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        try:
            changed = self.file.stat().st_mtime
        except FileNotFoundError:
            return
        if changed != self._changed:
            self._changed = changed
            told = json.loads(self.file.read_text())
            known = {field.name for field in fields(Behaviour)}
            self.behaviour = Behaviour(**{key: value for key, value in told.items() if key in known})

    async def watch(self) -> None:
        """Keep the past for late samples, and fail where it is told to."""
        while True:
            self.look()
            self.past.append((time.time(), *self.total()))
            lives = self.behaviour.lives
            if lives and time.monotonic() - self.started > lives:
                with self.file.with_suffix(".crashes").open("a") as crashes:
                    crashes.write(f"{time.time()}\n")
                os._exit(1)
            await asyncio.sleep(LOOK_SECONDS)

    def total(self) -> tuple[float, float]:
        """Trials and successes of all workers."""
        return sum(one[0] for one in self.counters), sum(one[1] for one in self.counters)

    def count(self) -> None:
        """Count one request and its reward."""
        told = self.behaviour
        while len(self.counters) < told.workers:
            self.counters.append([0.0, 0.0])
        worker = random.choice(self.counters)
        worker[0] += 1
        worker[1] += (random.random() < told.mean) * told.rewards_a_trial

    def metrics(self) -> str:
        """The counters in Prometheus' text format."""
        told, stamp = self.behaviour, ""
        trials, successes = random.choice(self.counters) if told.workers > 1 else self.total()
        if told.late:
            then = time.time() - told.late
            at, trials, successes = next(
                (one for one in reversed(self.past) if one[0] <= then), (then, 0.0, 0.0)
            )
            stamp = f" {round(1000 * at)}"
        earned = told.text or f"{successes + told.more[1]:g}"
        values = {"trials": f"{trials + told.more[0]:.17g}", "successes": earned}
        series = [self.labels, self.labels[:-1] + ',prometheus_replica="b"}'][: 1 + told.replica]
        lines = []
        for name, value in values.items():
            metric = f"model_reward_{name}_total"
            lines += [f"# TYPE {metric} counter", *(f"{metric}{labels} {value}{stamp}" for labels in series)]
            if told.dotted:
                lines.append(f'{{"model.{name}",{self.dotted}}} {value}{stamp}')
        return "\n".join((*lines, ""))

    def answer(self, path: str) -> tuple[int, str]:
        """Status and body for a path."""
        self.look()
        if path == "/":
            return (200, "ready") if self.behaviour.ready else (503, "not ready")
        if path == "/metrics":
            return 200, self.metrics()
        if not path.endswith("/probe"):
            self.count()
        return 200, self.arm

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, none of which has a body."""
        try:
            while line := await reader.readline():
                while (await reader.readline()).strip():
                    pass
                status, body = self.answer(line.split()[1].decode())
                head = f"HTTP/1.1 {status} .\r\nContent-Type: text/plain; version=0.0.4\r\n"
                writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
                await writer.drain()
        except (ConnectionError, IndexError):
            pass
        finally:
            writer.close()


async def main() -> None:
    """Serve until SIGTERM, and a moment longer."""
    port, route, arm = sys.argv[1:4]
    one = Server(route, arm)
    one.look()
    leaving = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leaving.set)
    watching = asyncio.create_task(one.watch())
    await asyncio.start_server(one.serve, "0.0.0.0", int(port))
    await leaving.wait()
    await asyncio.sleep(LEAVING_SECONDS)
    watching.cancel()
    os._exit(0)  # a gateway keeps its connections for longer than anybody waits


if __name__ == "__main__":
    asyncio.run(main())
