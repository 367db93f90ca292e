"""Writes of the cluster's objects, by whoever may write."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from kubernetes.aio import client

from bandit_operator.adapters.kubernetes import PARALLEL_REQUESTS, KubernetesAPI
from bandit_operator.adapters.objects import MERGE_PATCH
from bandit_operator.errors import APIUnreachable, NotLeading


class Silent(client.ApiClient):
    """An API server that answers nothing until it is let, and keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.parameters: list[dict[str, str]] = []
        self.asked = asyncio.Event()
        self.busy = asyncio.Event()
        self.gone = asyncio.Event()

    async def param_serialize(self, *arguments: Any, **more: Any) -> Any:
        self.sent.append(arguments[0])
        self.parameters.append(dict(more["query_params"]))
        self.asked.set()
        if len(self.sent) == PARALLEL_REQUESTS:
            self.busy.set()
        await self.gone.wait()
        raise OSError("connection reset")


async def test_a_write_that_waited_for_its_turn_until_the_lease_ran_out_is_not_sent() -> None:
    server, leading = Silent(), True
    api = KubernetesAPI(server, lambda: leading)
    reads = [asyncio.create_task(api.get("/read")) for _ in range(PARALLEL_REQUESTS)]
    await server.busy.wait()
    write = asyncio.create_task(api.patch("/written", {}, MERGE_PATCH))
    await asyncio.sleep(0)  # it waits for its turn from now on
    leading = False
    reads.pop().cancel()
    with pytest.raises(NotLeading):
        await write
    assert server.sent == ["GET"] * PARALLEL_REQUESTS
    for read in reads:
        read.cancel()
    await asyncio.gather(*reads, return_exceptions=True)


async def test_a_write_that_was_sent_is_waited_for_although_nobody_waits_for_its_answer() -> None:
    server = Silent()
    api = KubernetesAPI(server)
    write = asyncio.create_task(api.patch("/written", {}, MERGE_PATCH))
    await server.asked.wait()
    write.cancel()
    await asyncio.gather(write, return_exceptions=True)
    quiet = asyncio.create_task(api.quiet())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not quiet.done()
    server.gone.set()
    await quiet


async def test_a_write_takes_no_longer_than_it_may_here_and_at_the_server() -> None:
    server = Silent()
    api = KubernetesAPI(server)
    api.write_seconds = 0.25
    with pytest.raises(APIUnreachable):
        await api.patch("/written", {}, MERGE_PATCH)
    assert [one.get("timeout") for one in server.parameters] == ["0.25s"]


async def test_a_lease_waits_behind_no_burst_of_other_requests() -> None:
    server = Silent()
    api = KubernetesAPI(server)
    reads = [asyncio.create_task(api.get("/read")) for _ in range(2 * PARALLEL_REQUESTS)]
    await server.busy.wait()
    renewal = asyncio.create_task(api.lease("PUT", "/lease", {}))
    await asyncio.sleep(0)
    assert server.sent == ["GET"] * PARALLEL_REQUESTS + ["PUT"]
    server.gone.set()
    await asyncio.gather(renewal, *reads, return_exceptions=True)
