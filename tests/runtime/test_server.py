"""What the operator answers to probes and to Prometheus."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from bandit_operator.runtime.server import serve
from bandit_operator.runtime.telemetry import Metrics

STARTED = "process_start_time_seconds"
LEADING = "bandit_operator_leading"


async def exposed(query: str) -> set[str]:
    """Names of the metrics of an operator that are answered."""
    metrics = Metrics()
    runner = await serve(("127.0.0.1", 0), metrics.registry, lambda: None, lambda: None)
    try:
        [(host, port)] = runner.addresses
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{host}:{port}/metrics{query}") as answer,
        ):
            assert answer.status == 200
            lines = (await answer.text()).splitlines()
    finally:
        await runner.cleanup()
    return {line.split()[2] for line in lines if line.startswith("# TYPE")}


async def test_metrics_are_all_of_them_or_those_that_are_asked_for_by_name() -> None:
    assert {STARTED, LEADING} < await exposed("")
    assert await exposed(f"?name[]={STARTED}&name[]={LEADING}") == {STARTED, LEADING}


async def test_a_metric_that_there_is_not_is_not_answered() -> None:
    assert await exposed("?name[]=nothing") == set()


class _Held(Collector):
    """One metric whose samples are not to be had until they are let go."""

    def __init__(self) -> None:
        self.asked, self.let_go = threading.Event(), threading.Event()

    def collect(self) -> Iterator[Metric]:
        held = Metric("held", "Held until it is let go", "gauge")
        held.samples = self  # type: ignore[assignment]  # an iterable is all that is asked of a list here
        yield held

    def __iter__(self) -> Iterator[Sample]:
        self.asked.set()
        assert self.let_go.wait(20)
        yield Sample("held", {}, 1.0)


async def test_probes_are_answered_while_metrics_are_written_down() -> None:
    registry, held = CollectorRegistry(), _Held()
    registry.register(held)
    runner = await serve(("127.0.0.1", 0), registry, lambda: None, lambda: None)
    try:
        [(host, port)] = runner.addresses
        async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
            async with asyncio.TaskGroup() as tasks:
                metrics = tasks.create_task(session.get("/metrics"))
                assert await asyncio.to_thread(held.asked.wait, 10)
                async with session.get("/healthz") as answer:
                    assert answer.status == 200
                assert not metrics.done()
                held.let_go.set()
            assert "held 1.0" in (await metrics.result().text()).splitlines()
    finally:
        await runner.cleanup()


async def test_what_is_no_http_is_refused_and_what_is_wrong_in_here_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> str | None:
        raise RuntimeError("this check is broken")

    runner = await serve(("127.0.0.1", 0), Metrics().registry, broken, lambda: None)
    try:
        [(host, port)] = runner.addresses
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"\x16\x03\x01\x02\x00\x01\r\n\r\n")
        assert (await asyncio.wait_for(reader.read(), 20)).startswith(b"HTTP/1.0 400 Bad Request")
        writer.close()
        assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{host}:{port}/healthz") as answer,
        ):
            assert answer.status == 500
    finally:
        await runner.cleanup()
    [told] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert told.exc_info is not None
    assert str(told.exc_info[1]) == "this check is broken"
