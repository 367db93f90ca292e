"""A Prometheus that is away, slow, broken, hostile or something else, as real servers on loopback."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from bandit_operator.adapters.access import Access, Origin
from bandit_operator.adapters.answers import MOST_BYTES, MOST_ELEMENTS, MOST_VALUES
from bandit_operator.adapters.prometheus import MISSES, MOST_ADDRESSES, PAUSE_SECONDS, Prometheus
from bandit_operator.core.model import SourceDown
from bandit_operator.sources import Sample

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[str]:
    """A server on loopback that answers as told; gives its address."""
    open_writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_writers.append(writer)
        await serve(reader, writer)

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        for writer in open_writers:
            writer.close()


def answering(body: str | bytes, status: str = "200 OK", *headers: str) -> Serve:
    data = body.encode() if isinstance(body, str) else body

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = [f"HTTP/1.1 {status}", f"Content-Length: {len(data)}", "Connection: close", *headers, "", ""]
        writer.write("\r\n".join(head).encode() + data)
        await writer.drain()
        writer.close()

    return serve


class Everywhere(Access):
    """Lets every address be asked."""

    def refusal(self, address: str) -> SourceDown | None:  # noqa: ARG002 - that of the real one
        return None


def vector(*elements: object) -> str:
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": list(elements)}})


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a byte now and then, so that no read ever times out."""
    await reader.readuntil(b"\r\n\r\n")
    try:
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b" " * 100:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)
    except OSError:
        writer.close()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def prometheus(clock):
    client = Prometheus(Everywhere(), deadline=0.5, monotonic=clock)
    yield client
    await client.close()


async def test_an_answer_comes_as_samples(prometheus):
    body = vector(
        {"metric": {"arm": "a"}, "value": [1, "2.5"]}, {"metric": {"arm": "b"}, "value": [1, "NaN"]}
    )
    async with server(answering(body)) as address:
        first, second = await prometheus.query(address, "x", 1.0)
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
        "long",
        "many series",
    ],
)
async def test_another_answer_is_no_answer_and_its_words_are_kept(prometheus, body, status, reason, says):
    async with server(answering(body, status)) as address:
        down = await prometheus.query(address, "x", 1.0)
    assert isinstance(down, SourceDown)
    assert down.reason == reason
    assert says in down.message


async def test_an_empty_answer_is_an_answer(prometheus):
    async with server(answering(vector())) as address:
        assert await prometheus.query(address, "x", 1.0) == []


async def test_a_server_that_is_not_there_is_down_with_its_address(prometheus):
    async with server(answering("")) as address:
        pass
    down = await prometheus.query(address, "x", 1.0)
    assert isinstance(down, SourceDown)
    assert down.reason == "Unreachable"
    assert address in down.message


async def test_a_server_that_trickles_is_given_up_at_the_deadline(prometheus):
    async with server(trickle) as address:
        down = await prometheus.query(address, "x", 1.0)
    assert isinstance(down, SourceDown)
    assert (down.reason, "0.5 s" in down.message) == ("Timeout", True)


async def test_an_address_that_keeps_missing_its_deadline_is_left_alone_for_a_while(prometheus, clock):
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
async def test_a_malformed_element_is_a_bad_answer_and_no_exception(prometheus, element):
    async with server(answering(vector(element))) as address:
        down = await prometheus.query(address, "x", 1.0)
    assert isinstance(down, SourceDown)
    assert down.reason == "BadAnswer"


@pytest.mark.parametrize(
    "body", [vector(), json.dumps({"status": "success", "data": [1]}), "null", "[]", "7"]
)
async def test_an_answer_of_another_kind_is_no_series(prometheus, body):
    async with server(answering(body)) as address:
        assert (await prometheus.series(address, "x[1m]", 1.0)).reason == "BadAnswer"


async def test_the_samples_of_series_come_with_their_times(prometheus):
    element = {"metric": {"arm": "a"}, "values": [[1.5, "2"], [2.5, "+Inf"]]}
    body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [element]}})
    async with server(answering(body)) as address:
        [series] = await prometheus.series(address, "x[1m]", 1.0)
    assert (series.labels, list(series.samples)) == ({"arm": "a"}, [(1.5, 2.0), (2.5, float("inf"))])


@pytest.mark.parametrize("digits", ["9" * 400, "-1e999"])
async def test_a_number_beyond_all_bounds_is_infinite(prometheus, digits):
    async with server(answering(vector({"metric": {}, "value": [1, digits]}))) as address:
        [sample] = await prometheus.query(address, "x", 1.0)
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
async def test_nothing_of_a_strangers_answer_comes_back_in_the_message(prometheus, serve):
    async with server(serve) as address:
        down = await prometheus.query(address, "x", 1.0)
    assert isinstance(down, SourceDown)
    assert SECRET not in down.message


async def test_prometheus_own_words_are_kept_short_and_on_one_line(prometheus):
    error = {"status": "error", "errorType": "bad_data", "error": "line\n\x1b[2J" + "x" * 5000}
    async with server(answering(json.dumps(error), "400 Bad Request")) as address:
        down = await prometheus.query(address, "x", 1.0)
    assert down.message.isprintable()
    assert "bad_data: line" in down.message
    assert len(down.message) < 400


async def test_a_packed_answer_is_not_unpacked(prometheus):
    bomb = gzip.compress(b" " * 50_000_000)
    async with server(answering(bomb, "200 OK", "Content-Encoding: gzip")) as address:
        down = await prometheus.query(address, "x", 1.0)
    assert (down.reason, "compressed" in down.message) == ("BadAnswer", True)


class Recording:
    """A Prometheus that keeps what it is asked, and refuses what it is told to."""

    def __init__(self, status_of: Callable[[str], str] = lambda _: "200 OK") -> None:
        self.requests: list[tuple[str, str, str]] = []
        """Method, head and body."""
        self._status_of = status_of

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lengths = [
            line.split(":")[1] for line in head.lower().splitlines() if line.startswith("content-length")
        ]
        body = (await reader.readexactly(int(lengths[0]))).decode() if lengths else ""
        self.requests.append((head.split()[0], head, body))
        line = head.splitlines()[0]
        status = "414 URI Too Long" if len(line) > 8192 else self._status_of(head.split()[0])
        head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(vector())}\r\n\r\n"
        writer.write((head + vector()).encode())
        await writer.drain()
        writer.close()

    @property
    def methods(self) -> list[str]:
        return [method for method, _, _ in self.requests]


async def test_a_question_of_any_length_is_asked(prometheus):
    recording, question = Recording(), " or ".join(["x" * 75] * 700)
    async with server(recording) as address:
        assert await prometheus.query(address, question, 1.0) == []
    [(method, _, body)] = recording.requests
    assert (method, parse_qs(body)["query"]) == ("POST", [question])


@pytest.mark.parametrize("refusal", ["405 Method Not Allowed", "403 Forbidden"])
async def test_a_server_that_takes_no_post_is_asked_by_get_from_then_on(prometheus, refusal):
    recording = Recording(lambda method: refusal if method == "POST" else "200 OK")
    async with server(recording) as address:
        assert [await prometheus.query(address, "x", 1.0) for _ in range(2)] == [[], []]
    assert recording.methods == ["POST", "GET", "GET"]


async def test_a_server_that_forbids_everything_is_asked_by_post_again(prometheus):
    recording = Recording(lambda _: "403 Forbidden")
    async with server(recording) as address:
        for _ in range(2):
            assert "403 Forbidden" in (await prometheus.query(address, "x", 1.0)).message
    assert recording.methods == ["POST", "GET"] * 2


async def test_a_connection_that_was_closed_while_idle_is_no_outage(prometheus):
    async def answer_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(vector())}\r\n\r\n{vector()}".encode())
        await writer.drain()
        writer.close()  # without having said so

    async with server(answer_and_close) as address:
        assert [await prometheus.query(address, "x", 1.0) for _ in range(5)] == [[]] * 5


async def test_a_redirect_is_not_followed(prometheus):
    elsewhere = Recording()
    async with server(elsewhere) as other:
        redirect = answering("", "307 Temporary Redirect", f"Location: {other}/api/v1/query")
        async with server(redirect) as address:
            assert isinstance(await prometheus.query(address, "x", 1.0), SourceDown)
    assert elsewhere.requests == []


async def test_the_token_goes_to_the_installed_address_only(tmp_path, clock):
    token = tmp_path / "token"
    token.write_text("operators-own\n")
    own, others = Recording(), Recording()
    async with server(own) as installed, server(others) as allowed:
        access = Access(Origin.of(installed), frozenset({Origin.exactly(allowed)}), token)
        client = Prometheus(access, monotonic=clock)
        assert await client.query(f"{installed}/", "x", 1.0) == []
        assert await client.query(allowed, "x", 1.0) == []
        await client.close()
    assert "Authorization: Bearer operators-own\r\n" in own.requests[0][1]
    assert "authorization" not in others.requests[0][1].lower()


async def test_an_address_that_is_not_allowed_is_not_asked(clock):
    recording = Recording()
    async with server(recording) as address:
        client = Prometheus(Access(Origin.of("http://prometheus:9090")), monotonic=clock)
        down = await client.query(address, "x", 1.0)
        await client.close()
    assert (down.reason, recording.requests) == ("AddressNotAllowed", [])
    assert "prometheus.allowedAddresses" in down.message


async def test_a_missing_token_is_said_and_nothing_is_asked(clock):
    recording = Recording()
    async with server(recording) as address:
        access = Access(Origin.of(address), token_file=Path("/nowhere/token"))
        client = Prometheus(access, monotonic=clock)
        down = await client.query(address, "x", 1.0)
        await client.close()
    assert (down.reason, recording.requests) == ("Unreachable", [])
    assert "No such file" in down.message


async def test_a_thousand_addresses_cost_neither_threads_nor_memory_each(prometheus):
    before = threading.active_count()
    async with server(answering(vector())) as address:
        for number in range(200):
            assert await prometheus.query(f"{address}/{number}", "x", 1.0) == []
    assert threading.active_count() <= before + 2  # who reads answers, and the loop's own resolver
    assert len(prometheus._addresses) == MOST_ADDRESSES


@pytest.mark.parametrize("address", ["http://[", "http://a:99999", "ftp://a", "http://", "x"])
async def test_what_is_no_address_is_said_and_is_no_exception(address):
    client = Prometheus(Access())
    down = await client.query(address, "x", 1.0)
    await client.close()
    assert down.reason == "AddressNotAllowed"
