"""Writes of the cluster's objects, by whoever may write."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from kubernetes.aio import client

from bandit_operator.adapters.kubernetes import MERGE_PATCH, PARALLEL_REQUESTS, KubernetesAPI
from bandit_operator.errors import NotLeading


class Silent(client.ApiClient):
    """An API server that answers nothing until it is let, and counts what was sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.busy = asyncio.Event()

    async def param_serialize(self, *arguments: Any, **_: Any) -> Any:
        self.sent.append(arguments[0])
        if len(self.sent) == PARALLEL_REQUESTS:
            self.busy.set()
        await asyncio.Event().wait()


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
