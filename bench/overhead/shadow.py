"""What a shadow costs the requests of users.

One arm answers users at a fixed rate, and each request is timed. Blocks of requests of which a share is
copied to a shadow server, which asks three arms, that one among them, alternate with blocks without copies.
Client, collector, shadow server and all arms share one machine, so this is what the work of the shadow costs
at its worst: on a cluster only what the serving arm does for it remains.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression

from bench.served import running

RATE = 50.0  # requests a second
SHARES = (0.1, 1.0)
"""Of the requests that are copied: what spec.shadow.share is unless it says otherwise, and all."""
PERCENTILES = (50.0, 99.0)
ARMS = ("one", "two", "three")
INFER = "/v2/models/model/infer"


@dataclass(frozen=True)
class Plan:
    """How much is measured: pairs of blocks, and requests of a block."""

    pairs: int
    block: int

    @property
    def steps(self) -> int:
        """Of progress."""
        return self.pairs + 1


FULL = Plan(pairs=12, block=200)
QUICK = Plan(pairs=2, block=20)


class Figure(NamedTuple):
    """A percentile with copies of a share as a multiple of that without."""

    share: float
    percentile: float
    ratio: float
    lowest: float
    highest: float


def figure(share: float, percentile: float, plain: list[list[float]], shadowed: list[list[float]]) -> Figure:
    """Compare blocks of seconds, in pairs in the order in which they were measured.

    The median of the pairs is taken: what else the machine did during a block spoils that pair only.
    """
    ratios = [
        np.percentile(copied, percentile) / np.percentile(alone, percentile)
        for alone, copied in zip(plain, shadowed, strict=True)
    ]
    return Figure(share, percentile, float(np.median(ratios)), float(min(ratios)), float(max(ratios)))


async def _block(
    client: aiohttp.ClientSession, url: str, shadow: str, share: float, first: int, count: int
) -> list[float]:
    """Send requests at the rate, a share of them with copies, and return the seconds that each took."""
    seconds = []
    copies: set[asyncio.Task[None]] = set()
    began = time.perf_counter()

    async def copy(body: bytes) -> None:
        async with client.post(f"{shadow}{INFER}", data=body) as answer:
            if answer.status != 202:
                raise RuntimeError(f"the copy got HTTP {answer.status}: {await answer.text()}")

    for i in range(count):
        await asyncio.sleep(max(0.0, began + i / RATE - time.perf_counter()))
        tensor = {"name": "features", "shape": [1, 3], "datatype": "FP64", "data": [i % 100, 50, 50]}
        body = json.dumps({"id": f"request-{first + i}", "inputs": [tensor]}).encode()
        sent = time.perf_counter()
        # As gateways do: beside the request, and nobody waits for it.
        if int((i + 1) * share) > int(i * share):
            copies.add(asyncio.create_task(copy(body)))
        async with client.post(url + INFER, data=body) as answer:
            await answer.read()
            answer.raise_for_status()
        seconds.append(time.perf_counter() - sent)
    await asyncio.gather(*copies)
    return seconds


async def _measure(
    url: str, shadow: str, collector: str, plan: Plan, progress: Callable[[str], None]
) -> list[Figure]:
    found: dict[float, list[list[float]]] = {share: [] for share in (0.0, *SHARES)}
    sent = 0
    async with aiohttp.ClientSession() as client:
        for pair in range(-1, plan.pairs):
            progress(f"shadow: {f'round {pair + 1} of {plan.pairs}' if pair >= 0 else 'all parts warm up'}")
            # The order changes, so that a drift of the machine favours none.
            for share in list(found) if pair % 2 else reversed(found):
                block = await _block(client, url, shadow, share, sent, plan.block)
                sent += plan.block
                if pair >= 0:
                    found[share].append(block)
        await _check(client, collector, sum(int(plan.block * share) for share in SHARES) * (plan.pairs + 1))
    return [
        figure(share, percentile, found[0.0], found[share]) for share in SHARES for percentile in PERCENTILES
    ]


async def _check(client: aiohttp.ClientSession, collector: str, copies: int) -> None:
    """Wait until every copy was scored by every arm; raise where that does not come about."""
    async with asyncio.timeout(60):
        while True:
            async with client.get(f"{collector}/v1/summary") as answer:
                arms = (await answer.json())["routes"]["route"]["shadows"]["arms"]
            if {name: arm["predictions"] for name, arm in arms.items()} == dict.fromkeys(
                sorted(ARMS), copies
            ):
                return
            await asyncio.sleep(0.1)


def measure(folder: Path, plan: Plan, progress: Callable[[str], None]) -> dict[str, Any]:
    """Start everything in a folder that is there, and measure."""
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 100, (500, 3))
    joblib.dump(LogisticRegression(max_iter=1000).fit(values, values[:, 0] > 50), folder / "model.joblib")
    with contextlib.ExitStack() as stack:
        collector = stack.enter_context(running("collector", "--database", str(folder / "rewards.db")))
        arm = ("arm", "--model", str(folder / "model.joblib"), "--name", "model", "--route", "route")
        urls = [stack.enter_context(running(*arm, "--arm", name, "--collector", collector)) for name in ARMS]
        named = [part for name, url in zip(ARMS, urls, strict=True) for part in ("--arm", f"{name}={url}")]
        shadow = stack.enter_context(
            running("shadow", "--route", "route", "--collector", collector, "--metrics-port", "0", *named)
        )
        figures = asyncio.run(_measure(urls[0], shadow, collector, plan, progress))
    setting = {"rate": RATE, "arms": len(ARMS), "cores": os.cpu_count()}
    return {"plan": plan.__dict__ | setting, "figures": [one._asdict() for one in figures]}
