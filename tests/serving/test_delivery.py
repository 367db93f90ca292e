"""Delivery of events in batches until each is acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bandit_serving.delivery import BatchSender
from bandit_serving.tokens import TokenFile


class Receiver:
    """Answers with the given statuses in turn, then with 200; 0 closes the connection after reading."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.batches: list[list[Any]] = []
        self.tokens: list[str | None] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        batch = await request.json()
        self.tokens.append(request.headers.get("Authorization"))
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 0:
            assert request.transport is not None
            request.transport.abort()
        if status == 200:
            self.batches.append(batch)
        headers = {"Location": "/elsewhere"} if status == 302 else {}
        return web.json_response({}, status=status or 200, headers=headers)


@contextlib.asynccontextmanager
async def sending(receiver: Receiver, **options: Any) -> AsyncIterator[BatchSender]:
    app = web.Application()
    app.router.add_post("/events", receiver.answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as client:
        yield BatchSender(client, str(server.make_url("/events")), **{"linger": 0.0, **options})


async def settle(sender: BatchSender) -> None:
    sender.close()
    await sender.run()


async def test_events_go_out_in_order_in_batches_of_the_set_size() -> None:
    receiver = Receiver()
    async with sending(receiver, batch_size=3) as sender:
        for number in range(7):
            assert sender.put({"n": number})
        assert sender.pending == 7
        await settle(sender)
        assert (sender.delivered, sender.pending) == (7, 0)
    assert [[event["n"] for event in batch] for batch in receiver.batches] == [[0, 1, 2], [3, 4, 5], [6]]


async def test_a_batch_is_sent_again_until_it_is_acknowledged() -> None:
    receiver = Receiver(503, 0, 429, 302, 500)
    async with sending(receiver) as sender:
        sender.put({"n": 1})
        await settle(sender)
        assert (sender.delivered, sender.rejected, sender.retries) == (1, 0, 5)
    assert receiver.batches == [[{"n": 1}]]


async def test_a_refused_token_is_read_again_and_the_batch_sent_again(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old\n")
    receiver = Receiver(401, 401)
    async with sending(receiver, token=TokenFile(file)) as sender:
        running = asyncio.create_task(sender.run())
        sender.put({"n": 1})
        while not sender.retries:
            await asyncio.sleep(0)
        file.write_text("a-new-one\n")
        sender.close()
        await running
        assert (sender.delivered, sender.rejected) == (1, 0)
    assert (receiver.tokens[0], receiver.tokens[-1]) == ("Bearer old", "Bearer a-new-one")


async def test_a_batch_that_the_receiver_calls_wrong_is_given_up_and_the_next_goes_on() -> None:
    receiver = Receiver(400)
    async with sending(receiver, batch_size=1) as sender:
        sender.put({"n": 1})
        sender.put({"n": 2})
        await settle(sender)
        assert (sender.delivered, sender.rejected, sender.retries) == (1, 1, 0)
    assert receiver.batches == [[{"n": 2}]]


class Picky(Receiver):
    """Refuses a whole batch for one event with n = 13, as the collector does."""

    def __init__(self, status: int = 400, most: int = 1000) -> None:
        super().__init__()
        self.status, self.most = status, most

    async def answer(self, request: web.Request) -> web.StreamResponse:
        batch = await request.json()
        self.tokens.append(None)
        if any(event["n"] == 13 for event in batch):
            return web.json_response({"error": "event 13"}, status=self.status)
        if len(batch) > self.most:
            return web.json_response({"error": "too long"}, status=413)
        return await super().answer(request)


async def test_one_event_that_the_receiver_calls_wrong_takes_no_other_of_its_batch_along() -> None:
    receiver = Picky()
    async with sending(receiver) as sender:
        for number in range(100):
            sender.put({"n": number})
        await settle(sender)
        assert (sender.delivered, sender.rejected, sender.pending) == (99, 1, 0)
    sent = [event["n"] for batch in receiver.batches for event in batch]
    assert sent == [number for number in range(100) if number != 13]


async def test_a_batch_that_is_too_long_for_the_receiver_goes_out_in_parts() -> None:
    receiver = Picky(most=30)
    async with sending(receiver) as sender:
        for number in range(100, 200):
            sender.put({"n": number})
        await settle(sender)
        assert (sender.delivered, sender.rejected) == (100, 0)
    assert [event["n"] for batch in receiver.batches for event in batch] == [*range(100, 200)]


async def test_an_event_that_is_no_json_takes_no_other_along_and_does_not_end_the_delivery() -> None:
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    receiver = Receiver()
    async with sending(receiver) as sender:
        for value in (1, float("nan"), 2, deep, 3):
            sender.put({"n": value})
        await settle(sender)
        assert (sender.delivered, sender.rejected) == (3, 2)
    assert [event["n"] for batch in receiver.batches for event in batch] == [1, 2, 3]


async def test_a_refusal_that_blames_no_event_is_not_asked_about_event_by_event() -> None:
    receiver = Picky(status=404)
    async with sending(receiver) as sender:
        for number in range(20):
            sender.put({"n": number})
        await settle(sender)
        assert (sender.delivered, sender.rejected) == (0, 20)
    assert len(receiver.tokens) == 1


@pytest.mark.parametrize("body", [b"Temp\xe9rature", b"\xff" * 1_000_000], ids=["latin-1", "long"])
async def test_an_answer_in_whatever_encoding_does_not_end_the_delivery(body: bytes) -> None:
    answers = [web.Response(status=502, body=body, headers={"Content-Type": "text/html"})]
    receiver = Receiver()

    async def answer(request: web.Request) -> web.StreamResponse:
        return answers.pop() if answers else await receiver.answer(request)

    app = web.Application()
    app.router.add_post("/events", answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as client:
        sender = BatchSender(client, str(server.make_url("/events")), linger=0.0)
        sender.put({"n": 1})
        await settle(sender)
        assert (sender.delivered, sender.retries) == (1, 1)


async def test_what_does_not_fit_the_queue_is_refused_and_counted() -> None:
    async with sending(Receiver(), capacity=2) as sender:
        assert [sender.put({"n": number}) for number in range(3)] == [True, True, False]
        await settle(sender)
        assert (sender.delivered, sender.dropped) == (2, 1)


async def test_events_put_while_a_batch_is_under_way_follow_it() -> None:
    receiver = Receiver(503)
    async with sending(receiver) as sender:
        running = asyncio.create_task(sender.run())
        sender.put({"n": 1})
        while not sender.retries:
            await asyncio.sleep(0)
        sender.put({"n": 2})
        sender.close()
        await running
    assert [event["n"] for batch in receiver.batches for event in batch] == [1, 2]
