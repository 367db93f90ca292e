"""``python -m bench.shadow``: what a shadow costs the requests of users.

Usage: python -m bench.shadow [--quick]

One arm answers users at a fixed rate, and each request is timed. Blocks of requests of which a share is
copied to a shadow server, which asks three arms, that one among them, alternate with blocks without copies.
Client, collector, shadow server and all arms share one machine, so this is what the work of the shadow costs
at its worst: on a cluster only what the serving arm does for it remains.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import aiohttp
import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression

from bench.served import running

BUILD, DOCS = Path("build/bench"), Path("docs/bench")
RATE = 50.0  # requests a second
BLOCK = 200  # requests of a block
PAIRS = 12
SHARES = (0.1, 1.0)
"""Of the requests that are copied: what spec.shadow.share is unless it says otherwise, and all."""
ARMS = ("one", "two", "three")
INFER = "/v2/models/model/infer"

PAGE = """# A shadow, measured

Written by `python -m bench.shadow`: an arm answers {rate:g} requests a second, and blocks of {block} requests
of which a shadow server has copies answered by {arms} arms alternate with blocks without copies, {pairs} of
each. Client, collector, shadow server and all arms share {cores} cores, so this is what a shadow costs at its
worst: on a cluster only what the serving arm does for it remains. Time of a served request with copies as a
multiple of that without: the median of the pairs of blocks, with the lowest and the highest.

| copied | | with : without | lowest – highest |
|---|---|---|---|
"""


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


async def _measure(url: str, shadow: str, collector: str, pairs: int, count: int) -> list[Figure]:
    found: dict[float, list[list[float]]] = {share: [] for share in (0.0, *SHARES)}
    sent = 0
    async with aiohttp.ClientSession() as client:
        for pair in range(-1, pairs):
            # The order changes, so that a drift of the machine favours none.
            for share in list(found) if pair % 2 else reversed(found):
                block = await _block(client, url, shadow, share, sent, count)
                sent += count
                if pair >= 0:  # the first warms up
                    found[share].append(block)
            if pair >= 0:
                print(f"round {pair + 1} of {pairs}")
        await _check(client, collector, sum(int(count * share) for share in SHARES) * (pairs + 1))
    return [
        figure(share, percentile, found[0.0], found[share]) for share in SHARES for percentile in (50.0, 99.0)
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


def measure(folder: Path, pairs: int, count: int) -> list[Figure]:
    """Start everything in a folder, measure, and return the figures."""
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
        return asyncio.run(_measure(urls[0], shadow, collector, pairs, count))


def page(figures: list[Figure], pairs: int, count: int) -> str:
    """Return the page of some figures."""
    text = PAGE.format(rate=RATE, block=count, arms=len(ARMS), pairs=pairs, cores=os.cpu_count())
    for one in figures:
        cells = (f"{one.share:.0%}", f"p{one.percentile:g}", f"{one.ratio:.2f}")
        text += f"| {' | '.join(cells)} | {one.lowest:.2f} – {one.highest:.2f} |\n"
    return text


def main() -> None:
    """Measure, and write docs/bench/shadow.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few requests: to see that it runs")
    quick = parser.parse_args().quick
    pairs, count = (2, 20) if quick else (PAIRS, BLOCK)
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        figures = measure(Path(folder), pairs, count)
    # A quick look does not overwrite what a full run has measured.
    docs = BUILD / "quick" if quick else DOCS
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "shadow.md").write_text(page(figures, pairs, count), encoding="utf-8")
    for one in figures:
        print(f"{one.share:.0%} copied, p{one.percentile:g}: {one.ratio:.2f} times that without copies")
    print(f"→ {docs}/shadow.md")


if __name__ == "__main__":
    main()
