"""What the operator answers to probes and to Prometheus."""

from __future__ import annotations

import aiohttp

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
