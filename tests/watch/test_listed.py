"""Waiting for the first lists."""

from __future__ import annotations

import asyncio

import pytest

from bandit_operator.watch.cache import Cache
from bandit_operator.watch.listed import MOST_SECONDS, QUIET_SECONDS, listed
from tests.runtime.replicas import QuickLoop


def seconds_until_listed(number: int, pause: float) -> float:
    """How long is waited where so many objects come, each after a pause."""

    async def waited() -> float:
        cache, loop = Cache(), asyncio.get_running_loop()

        async def watch() -> None:
            for at in range(number):
                await asyncio.sleep(pause)
                cache.versions["Service", "models", f"arm-{at}"] = at

        watching = asyncio.create_task(watch())
        begun = loop.time()
        await listed(cache)
        watching.cancel()
        return loop.time() - begun

    with asyncio.Runner(loop_factory=QuickLoop) as runner:
        return runner.run(waited())


def test_a_start_waits_until_no_more_objects_come() -> None:
    coming = 20 * 0.1
    assert coming < seconds_until_listed(20, 0.1) <= coming + 2 * QUIET_SECONDS


def test_a_start_does_not_take_the_time_before_the_first_object_for_the_end_of_the_list() -> None:
    assert seconds_until_listed(1, 2.0) > 2.0


@pytest.mark.parametrize("number", [0, 1000])
def test_a_start_waits_for_neither_an_empty_cluster_nor_an_endless_list(number: int) -> None:
    assert seconds_until_listed(number, 0.1) == pytest.approx(MOST_SECONDS)
