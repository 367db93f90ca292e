"""``bandit-serving replay``: play a data set through a gateway."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bandit_serving import logs
from bandit_serving.cli.options import URL, Duration, Finite, Name, explain_bad_settings
from bandit_serving.errors import BadSetting
from bandit_serving.tokens import TokenFile

if TYPE_CHECKING:
    from bandit_serving.replay import Replayer

STATUS_SECONDS = 0.5  # between two writes of the status file
PROGRESS_SECONDS = 2.0  # between two lines of progress
MOST_A_SECOND = 100_000  # requests; more than one process sends, which would only count what it left out

log = logs.get_logger(__name__)


@click.command(
    epilog="""Example: bandit-serving replay --data stream.npz --url http://localhost/v2/models/income/infer
    --labels http://rewards:8081 --rate 150 --delay lognormal:2s,8s --duration 5m"""
)
@click.option(
    "--data",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Rows to replay: .csv or .csv.gz with numbers and the label `target` in the last column, or .npz"
    " with `features`, `values` and `labels`.",
)
@click.option("--url", required=True, type=URL(base=False), help="Inference URL: …/v2/models/NAME/infer.")
@click.option("--labels", type=URL(), help="Base URL of the reward collector; without it no labels are sent.")
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the bearer token of the collector; read again when it changes.",
)
@click.option("--route", type=Name(), help="Route of the labels.  [default: NAME in the inference URL]")
@click.option(
    "--rate",
    type=Finite(min=0, max=MOST_A_SECOND),
    default=100.0,
    show_default=True,
    help="Requests a second.",
)
@click.option(
    "--delay",
    default="0s",
    show_default=True,
    help="From an answer to its label: 2s, uniform:1s,3s, exponential:MEAN or lognormal:MEDIAN,P95.",
)
@click.option("--duration", type=Duration(positive=True), help="Stop sending after this time.")
@click.option("--requests", type=click.IntRange(min=1), help="Stop sending after so many requests.")
@click.option(
    "--timeout",
    type=Duration(positive=True),
    default="5s",
    show_default=True,
    help="A request fails after this.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of the delays.")
@click.option(
    "--status-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the live counters in this JSON file, replaced as a whole twice a second.",
)
@explain_bad_settings
def replay(
    data: Path,
    url: str,
    labels: str | None,
    token_file: Path | None,
    route: str | None,
    rate: float,
    delay: str,
    duration: float | None,
    requests: int | None,
    timeout: float,
    seed: int,
    status_file: Path | None,
) -> None:
    """Play a data set through a gateway and return its labels after a delay.

    Each row is one request with an id of its own, sent at its time whether or not earlier ones are answered
    (an open loop); after the last row comes the first again. Requests that fail are counted, not repeated.
    Labels of answered requests are sent in batches until acknowledged, also after the last request. The final
    counters are printed as JSON. Stops at --duration, --requests, SIGINT or SIGTERM, whichever is first; a
    second signal gives up the labels that still wait, and then the exit code is 1.
    """
    # numpy and the HTTP client take a while to import: not for other verbs.
    from bandit_serving.replay import Replayer, load_rows, parse_delay

    logs.configure()
    try:
        parsed = parse_delay(delay)
    except ValueError as error:
        raise BadSetting(f"--delay {error}") from error
    route = route or _route_of(url)
    replayer = Replayer(
        load_rows(data),
        url=url,
        labels=labels,
        route=route,
        rate=rate,
        delay=parsed,
        seed=seed,
        timeout=timeout,
        token=None if token_file is None else TokenFile(token_file),
    )
    if status_file is not None:
        try:
            _write_status(status_file, {**replayer.snapshot(), "finished": False})
        except OSError as error:
            raise BadSetting(f"--status-file {status_file}: cannot be written: {error.strerror}") from error
    result = asyncio.run(_run(replayer, duration, requests, status_file))
    click.echo(json.dumps(result, indent=2))
    if result["labels_waiting"]:
        raise SystemExit(1)


def _route_of(url: str) -> str:
    match = re.search(r"/v2/models/([^/]+)(?:/versions/[^/]+)?/infer$", url)
    if match is None:
        raise BadSetting(f"--url {url}: does not end in /v2/models/NAME/infer; correct it or give --route")
    return match[1]


async def _run(
    replayer: Replayer, duration: float | None, requests: int | None, status_file: Path | None
) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    told = False

    def end() -> None:
        nonlocal told
        waiting = replayer.labels_waiting
        if told:
            log.warning("given up", labels_lost=waiting)
            replayer.give_up()
        else:
            log.info("stopping: a second signal gives up what waits", labels_waiting=waiting)
            replayer.stop()
        told = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    async with _reporting(replayer, status_file):
        return await replayer.run(duration=duration, requests=requests)


@contextlib.asynccontextmanager
async def _reporting(replayer: Replayer, status_file: Path | None) -> AsyncIterator[None]:
    """Show progress while the replay runs, and write its final state to the status file."""
    task = asyncio.create_task(_report(replayer, status_file))
    try:
        yield
    finally:
        task.cancel()
        if status_file is not None:
            _keep_status(status_file, {**replayer.snapshot(), "finished": True})


async def _report(replayer: Replayer, status_file: Path | None) -> None:
    loop = asyncio.get_running_loop()
    next_line = loop.time() + PROGRESS_SECONDS
    while True:
        await asyncio.sleep(STATUS_SECONDS)
        if status_file is not None:
            _keep_status(status_file, {**replayer.snapshot(), "finished": False})
        if loop.time() >= next_line:
            next_line += PROGRESS_SECONDS
            log.info("progress", **replayer.snapshot())


def _keep_status(path: Path, status: dict[str, Any]) -> None:
    """Write the status, or say that it cannot be: a disk that is full is to end no replay."""
    try:
        _write_status(path, status)
    except OSError as error:
        log.error("status file not written", path=str(path), reason=error.strerror)


def _write_status(path: Path, status: dict[str, Any]) -> None:
    """Replace the file as a whole, so that a reader never meets half of it."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(status))
    part.replace(path)
