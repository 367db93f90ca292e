"""The replayer against gateways that answer, fail, hang and move."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bandit_serving.replay import Answer, Replayer, Rows, parse_delay

ROWS = Rows(["a", "b"], np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]), [0, 1, 0])
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def serving(path: str, handler: Handler) -> AsyncIterator[str]:
    """Serve a handler for POST at a path; gives the base URL."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    app = web.Application()
    app.router.add_post(path, handle)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


class Gateway:
    """Answers as an arm would, and keeps the requests."""

    def __init__(self, arm: Callable[[int], str] = lambda _number: "boosting") -> None:
        self.requests: list[dict[str, Any]] = []
        self.arm = arm

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        answer = {"parameters": {"arm": self.arm(len(self.requests))}, "outputs": []}
        return web.json_response(answer)


class Collector:
    """Takes labels after refusing a number of batches."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.labels: list[dict[str, Any]] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if self.refusals:
            self.refusals -= 1
            return web.json_response({"error": "later"}, status=429)
        self.labels += await request.json()
        return web.json_response({})


@contextlib.asynccontextmanager
async def replaying(gateway: Handler, collector: Handler, **options: Any) -> AsyncIterator[Replayer]:
    async with serving("/infer", gateway) as url, serving("/v1/labels", collector) as labels:
        yield Replayer(
            ROWS,
            # A machine that stands still for a moment answers late, which is the matter of one test alone.
            **{
                "url": f"{url}/infer",
                "labels": labels,
                "route": "r",
                "rate": 500,
                "timeout": 120.0,
                **options,
            },
        )


async def test_each_row_is_a_request_with_its_own_id_and_its_label_follows() -> None:
    gateway, collector = Gateway(), Collector(refusals=2)
    async with replaying(gateway, collector) as replayer:
        result = await replayer.run(requests=7)
    asked = {request["id"]: request["inputs"][0]["data"] for request in gateway.requests}
    in_order = sorted(asked, key=lambda own: int(own.rsplit("-", 1)[1]))  # they may overtake each other
    assert [asked[own] for own in in_order][:4] == [[0, 1], [2, 3], [4, 5], [0, 1]]
    assert len(asked) == len(gateway.requests) == 7
    sent = {event["id"]: event["label"] for event in collector.labels}
    by_number = sorted(sent.items(), key=lambda pair: int(pair[0].rsplit("-", 1)[1]))
    assert [label for _, label in by_number] == [0, 1, 0, 0, 1, 0, 0]
    assert {event["route"] for event in collector.labels} == {"r"}
    assert (result["requests_total"], result["requests_failed"]) == (7, 0)
    assert (result["labels_sent"], result["labels_waiting"]) == (7, 0)
    assert result["arms"] == {"boosting": 7}


async def test_answers_are_counted_by_arm() -> None:
    async with replaying(Gateway(lambda number: "ab"[number % 2]), Collector()) as replayer:
        assert (await replayer.run(requests=10))["arms"] == {"a": 5, "b": 5}


async def test_a_failed_request_is_counted_by_reason_never_repeated_and_gets_no_label() -> None:
    seen: collections.Counter[str] = collections.Counter()

    async def gateway(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        number = int(body["id"].rsplit("-", 1)[1])
        seen[body["id"]] += 1
        if number % 4 == 1:
            return web.json_response({}, status=503)
        if number % 4 == 2:
            raise web.HTTPFound("/elsewhere")
        if number % 4 == 3:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({})

    collector = Collector()
    async with replaying(gateway, collector) as replayer:
        result = await replayer.run(requests=40)
    assert set(seen.values()) == {1}
    assert result["requests_failed"] == 30
    assert result["failures"]["HTTP 503"] == 10
    assert result["failures"]["HTTP 302"] == 10
    assert sum(result["failures"].values()) == 30
    assert (len(collector.labels), result["arms"]) == (10, {"": 10})


async def test_a_gateway_that_is_not_there_fails_every_request() -> None:
    replayer = Replayer(ROWS, url="http://127.0.0.1:9/infer", route="r", rate=500)
    result = await replayer.run(requests=5)
    assert (result["requests_total"], result["requests_failed"], result["labels_sent"]) == (5, 5, 0)


async def test_a_gateway_that_hangs_fails_by_timeout_and_does_not_slow_the_rate() -> None:
    sent_by_the_first_failure: list[int] = []

    async def gateway(_request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    def settled(_answer: Answer) -> None:
        sent_by_the_first_failure.append(replayer.counters.requests_total)

    async with replaying(gateway, Collector(), timeout=0.5, on_answer=settled) as replayer:
        result = await replayer.run(requests=20)
    assert result["failures"] == {"TimeoutError": 20}
    assert sent_by_the_first_failure[0] == 20


async def test_more_than_the_limit_in_flight_fails_without_being_sent() -> None:
    release = asyncio.Event()
    arrived = 0

    async def gateway(_request: web.Request) -> web.StreamResponse:
        nonlocal arrived
        arrived += 1
        await release.wait()
        return web.json_response({})

    def settled(answer: Answer) -> None:
        if answer.failure:
            release.set()

    async with replaying(gateway, Collector(), most_in_flight=3, on_answer=settled) as replayer:
        result = await replayer.run(requests=4)
    assert arrived == 3
    assert result["failures"] == {"too many in flight": 1}


async def test_a_stop_settles_what_is_under_way_and_sends_the_labels_that_wait() -> None:
    collector = Collector()
    answers: list[Answer] = []
    waiting_at_the_stop = 0

    def settled(answer: Answer) -> None:
        nonlocal waiting_at_the_stop
        answers.append(answer)
        if len(answers) == 20:
            waiting_at_the_stop = replayer.labels_waiting
            replayer.stop()

    # A machine that stands still for a moment sends all at once afterwards: slowly, so that it is not much.
    settings: dict[str, Any] = {"rate": 50, "delay": parse_delay("200ms"), "most_in_flight": 100_000}
    async with replaying(Gateway(), collector, on_answer=settled, **settings) as replayer:
        result = await replayer.run()
    assert waiting_at_the_stop > 0
    assert result["requests_failed"] == 0
    assert result["labels_sent"] == result["requests_answered"] == len(answers) == len(collector.labels)


async def test_what_waits_is_given_up_when_somebody_says_so() -> None:
    async with replaying(Gateway(), Collector(), rate=1000, delay=parse_delay("24h")) as replayer:
        running = asyncio.create_task(replayer.run(requests=5))
        while replayer.labels_waiting < 5:
            await asyncio.sleep(0)
        assert not running.done()
        replayer.give_up()
        result = await asyncio.wait_for(running, 20)
    assert (result["requests_answered"], result["labels_waiting"], result["labels_sent"]) == (5, 5, 0)


async def test_the_rate_may_be_changed_and_paused() -> None:
    async with replaying(Gateway(), Collector(), rate=0) as replayer:
        running = asyncio.create_task(replayer.run())
        for _ in range(100):
            await asyncio.sleep(0)
        assert replayer.counters.requests_total == 0
        replayer.rate = 50
        while replayer.counters.requests_answered < 10:
            await asyncio.sleep(0.01)  # leaves the loop to the replay
        replayer.stop()
        assert (await running)["requests_failed"] == 0


async def test_a_duration_ends_the_replay() -> None:
    async with replaying(Gateway(), Collector(), rate=100) as replayer:
        result = await replayer.run(duration=0.2)
    assert 1 <= result["requests_total"] <= 21
    assert result["requests_answered"] == result["requests_total"]


def test_before_the_first_answer_latencies_are_unknown_not_zero() -> None:
    replayer = Replayer(ROWS, url="http://127.0.0.1:9/infer", route="r", rate=1)
    snapshot = json.loads(json.dumps(replayer.snapshot()))
    assert set(snapshot["latency_ms"].values()) == {None}


async def test_labels_that_the_collector_calls_wrong_are_given_up_and_counted() -> None:
    async def collector(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": "no such class"}, status=400)

    async with replaying(Gateway(), collector) as replayer:
        result = await replayer.run(requests=5)
    assert (result["labels_sent"], result["labels_rejected"], result["labels_waiting"]) == (0, 5, 0)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"parameters": {"arm": 1}}', b'{"parameters": 1}'])
async def test_an_answer_that_names_no_arm_is_counted_under_the_empty_name(content: bytes) -> None:
    async def gateway(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=content)

    async with replaying(gateway, Collector()) as replayer:
        assert (await replayer.run(requests=1))["arms"] == {"": 1}
