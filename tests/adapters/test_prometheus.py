"""A Prometheus that is away, slow, broken, hostile or something else, as real servers on loopback."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest

from bandit_operator.adapters.answers import MOST_BYTES, MOST_ELEMENTS, MOST_VALUES
from bandit_operator.adapters.prometheus import MISSES, PAUSE_SECONDS, Prometheus
from bandit_operator.core.model import SourceDown
from bandit_operator.sources import Sample
from tests.adapters.conftest import Clock
from tests.support.servers import answering, server, trickle, vector


def partial(**says: Any) -> str:
    """An answer with status 200 of a server that could not ask all of those that it asks."""
    return json.dumps({**json.loads(vector({"metric": {"arm": "a"}, "value": [1, "2.5"]})), **says})


@pytest.mark.parametrize(
    "says",
    [
        {"warnings": ["PromQL warning: encountered a mix of histograms and floats"]},
        {"warnings": [], "infos": ["PromQL info: metric might not be a counter"]},
        {"warnings": None, "isPartial": False},
    ],
)
async def test_remarks_about_the_query_do_not_make_an_answer_partial(
    patient: Prometheus, says: dict[str, Any]
) -> None:
    async with server(answering(partial(**says))) as address:
        assert await patient.query(address, "x", 1.0) == [Sample({"arm": "a"}, 2.5)]


async def test_an_answer_comes_as_samples(patient: Prometheus) -> None:
    body = vector(
        {"metric": {"arm": "a"}, "value": [1, "2.5"]}, {"metric": {"arm": "b"}, "value": [1, "NaN"]}
    )
    async with server(answering(body)) as address:
        found = await patient.query(address, "x", 1.0)
    assert isinstance(found, list)
    first, second = found
    assert first == Sample({"arm": "a"}, 2.5)
    assert second.value != second.value


@pytest.mark.parametrize(
    ("body", "status", "reason", "says"),
    [
        ("<html>hello</html>", "200 OK", "BadAnswer", "not JSON"),
        (
            '{"status":"error","errorType":"bad_data","error":"parse error: unexpected }"}',
            "400 Bad Request",
            "BadAnswer",
            "parse error: unexpected }",
        ),
        ("busy", "503 Service Unavailable", "BadAnswer", "503 Service Unavailable"),
        ("x", "302 Found", "BadAnswer", "sends elsewhere, which is not followed"),
        (
            json.dumps({"status": "success", "data": {"resultType": "scalar", "result": [1, "2"]}}),
            "200 OK",
            "BadAnswer",
            "not of the kind that was asked for",
        ),
        ("{}", "200 OK", "BadAnswer", "not of the kind that was asked for"),
        ("[" * 100_000, "200 OK", "BadAnswer", "not JSON"),
        ("[" * (MOST_VALUES + 1), "200 OK", "BadAnswer", "too many values"),
        ('{"data": ' + "1" * 5000 + "}", "200 OK", "BadAnswer", "not JSON"),
        (partial(warnings=["No StoreAPIs matched for this query"]), "200 OK", "PartialAnswer", "a part of"),
        (
            partial(warnings=["PromQL info: x", "remote_read: refused"]),
            "200 OK",
            "PartialAnswer",
            "a part of",
        ),
        (partial(isPartial=True), "200 OK", "PartialAnswer", "a part of the data only"),
        (" " * (MOST_BYTES + 1), "200 OK", "BadAnswer", "longer than 8 MiB"),
        (vector(*[{}] * (MOST_ELEMENTS + 1)), "200 OK", "BadAnswer", "has over 20000 series"),
    ],
    ids=[
        "text",
        "bad query",
        "overloaded",
        "redirect",
        "scalar",
        "other JSON",
        "deep",
        "many values",
        "long number",
        "a store is away",
        "remote_read failed",
        "a node is away",
        "long",
        "many series",
    ],
)
async def test_another_answer_is_no_answer_and_its_words_are_kept(
    patient: Prometheus, body: Any, status: str, reason: str, says: str
) -> None:
    async with server(answering(body, status)) as address:
        down = await patient.query(address, "x", 1.0)
    assert isinstance(down, SourceDown)
    assert down.reason == reason
    assert says in down.message


async def test_an_empty_answer_is_an_answer(patient: Prometheus) -> None:
    async with server(answering(vector())) as address:
        assert await patient.query(address, "x", 1.0) == []


async def test_a_server_that_is_not_there_is_down_with_its_address(patient: Prometheus) -> None:
    async with server(answering("")) as address:
        pass
    down = await patient.query(address, "x", 1.0)
    assert isinstance(down, SourceDown)
    assert down.reason == "Unreachable"
    assert address in down.message


async def test_a_server_that_trickles_is_given_up_at_the_deadline(prometheus: Prometheus) -> None:
    async with server(trickle) as address:
        down = await prometheus.query(address, "x", 1.0)
    assert isinstance(down, SourceDown)
    assert (down.reason, "0.5 s" in down.message) == ("Timeout", True)


async def test_an_address_that_keeps_missing_its_deadline_is_left_alone_for_a_while(
    prometheus: Prometheus, clock: Clock
) -> None:
    asked = 0

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()
        writer.close()

    async with server(hang) as address:
        for _ in range(MISSES + 2):
            down = await prometheus.query(address, "x", 1.0)
        assert (asked, down.reason) == (MISSES, "Timeout")
        assert "left alone" in down.message
        clock.now += PAUSE_SECONDS
        assert (await prometheus.query(address, "x", 1.0)).reason == "Timeout"
        assert asked == MISSES + 1


@pytest.mark.parametrize(
    "element",
    [
        {"metric": {"arm": 1}, "value": [1, "2"]},
        {"metric": {"arm": "a"}, "value": [1]},
        {"metric": {"arm": "a"}, "value": [1, []]},
        {"metric": ["arm"], "value": [1, "2"]},
        {"metric": {"arm": "a"}, "value": [10**400, "2"]},
        {"metric": {"arm": {}}, "value": [1, "2"]},
        {"value": [1, "2"]},
        {"metric": {"arm": "a"}},
        7,
        None,
    ],
)
async def test_a_malformed_element_is_a_bad_answer_and_no_exception(
    patient: Prometheus, element: Any
) -> None:
    async with server(answering(vector(element))) as address:
        down = await patient.query(address, "x", 1.0)
    assert isinstance(down, SourceDown)
    assert down.reason == "BadAnswer"


@pytest.mark.parametrize(
    "body", [vector(), json.dumps({"status": "success", "data": [1]}), "null", "[]", "7"]
)
async def test_an_answer_of_another_kind_is_no_series(patient: Prometheus, body: Any) -> None:
    async with server(answering(body)) as address:
        assert (await patient.series(address, "x[1m]", 1.0)).reason == "BadAnswer"


async def test_the_samples_of_series_come_with_their_times(patient: Prometheus) -> None:
    element = {"metric": {"arm": "a"}, "values": [[1.5, "2"], [2.5, "+Inf"]]}
    body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [element]}})
    async with server(answering(body)) as address:
        found = await patient.series(address, "x[1m]", 1.0)
    assert isinstance(found, list)
    [series] = found
    assert (series.labels, list(series.samples)) == ({"arm": "a"}, [(1.5, 2.0), (2.5, float("inf"))])


@pytest.mark.parametrize("digits", ["9" * 400, "-1e999"])
async def test_a_number_beyond_all_bounds_is_infinite(patient: Prometheus, digits: str) -> None:
    async with server(answering(vector({"metric": {}, "value": [1, digits]}))) as address:
        found = await patient.query(address, "x", 1.0)
    assert isinstance(found, list)
    [sample] = found
    assert abs(sample.value) == float("inf")


SECRET = "the-secret-body"


@pytest.mark.parametrize(
    "serve",
    [
        answering(SECRET, f"500 {SECRET}"),
        answering(SECRET, f"404 {SECRET}"),
        answering(json.dumps({"data": SECRET}), "400 Bad Request"),
        answering(SECRET, "200 OK"),
        answering(vector({"metric": {SECRET: 1}, "value": [1, SECRET]})),
        answering(SECRET, "301 Moved", f"Location: http://127.0.0.1:9/{SECRET}"),
        answering(SECRET, f"200 OK\r\n{SECRET}\r\nx"),
        answering(SECRET, "200 OK", f"Content-Encoding: {SECRET}"),
    ],
)
async def test_nothing_of_a_strangers_answer_comes_back_in_the_message(
    prometheus: Prometheus, serve: Any
) -> None:
    async with server(serve) as address:
        down = await prometheus.query(address, "x", 1.0)
    assert isinstance(down, SourceDown)
    assert SECRET not in down.message


async def test_prometheus_own_words_are_kept_short_and_on_one_line(patient: Prometheus) -> None:
    error = {"status": "error", "errorType": "bad_data", "error": "line\n\x1b[2J" + "x" * 5000}
    async with server(answering(json.dumps(error), "400 Bad Request")) as address:
        down = await patient.query(address, "x", 1.0)
    assert down.message.isprintable()
    assert "bad_data: line" in down.message
    assert len(down.message) < 400


async def test_a_packed_answer_is_not_unpacked(patient: Prometheus) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    async with server(answering(bomb, "200 OK", "Content-Encoding: gzip")) as address:
        down = await patient.query(address, "x", 1.0)
    assert (down.reason, "compressed" in down.message) == ("BadAnswer", True)
