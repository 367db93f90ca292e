"""How Prometheus is asked: by which method, who may be, and who gets the token."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from bandit_operator.adapters.access import Access, Origin
from bandit_operator.adapters.prometheus import MOST_ADDRESSES, Prometheus
from bandit_operator.core.model import SourceDown
from tests.adapters.conftest import Clock
from tests.support.servers import Recording, answering, server, vector


async def test_a_query_of_any_length_is_asked(prometheus: Prometheus) -> None:
    recording, query = Recording(), " or ".join(["x" * 75] * 700)
    async with server(recording) as address:
        assert await prometheus.query(address, query, 1.0) == []
    [(method, _, body)] = recording.requests
    assert (method, parse_qs(body)["query"]) == ("POST", [query])


async def test_a_query_arrives_as_it_is_whatever_it_has_in_it(prometheus: Prometheus) -> None:
    every = "".join(map(chr, range(1, 0x250))) + "%2B %zz é 😀 ;a=b&c"
    for recording in (Recording(), Recording(lambda one: "405 No" if one == "POST" else "200 OK")):
        async with server(recording) as address:
            assert await prometheus.query(address, every, 1.0) == []
        _, head, body = recording.requests[-1]
        form = body or head.split()[1].partition("?")[2]
        assert parse_qs(form, strict_parsing=True) == {"query": [every], "time": ["1.000"]}
        assert ";" not in form
    assert "content-type: application/x-www-form-urlencoded" in recording.requests[0][1].lower()


@pytest.mark.parametrize("refusal", ["405 Method Not Allowed", "403 Forbidden"])
async def test_a_server_that_takes_no_post_is_asked_by_get_from_then_on(
    prometheus: Prometheus, refusal: str
) -> None:
    recording = Recording(lambda method: refusal if method == "POST" else "200 OK")
    async with server(recording) as address:
        assert [await prometheus.query(address, "x", 1.0) for _ in range(2)] == [[], []]
    assert recording.methods == ["POST", "GET", "GET"]


async def test_a_server_that_forbids_everything_is_asked_by_post_again(prometheus: Prometheus) -> None:
    recording = Recording(lambda _: "403 Forbidden")
    async with server(recording) as address:
        for _ in range(2):
            assert "403 Forbidden" in (await prometheus.query(address, "x", 1.0)).message
    assert recording.methods == ["POST", "GET"] * 2


async def test_a_connection_that_was_closed_while_idle_is_no_outage(prometheus: Prometheus) -> None:
    async def answer_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(vector())}\r\n\r\n{vector()}".encode())
        await writer.drain()
        writer.close()  # without having said so

    async with server(answer_and_close) as address:
        assert [await prometheus.query(address, "x", 1.0) for _ in range(5)] == [[]] * 5


async def test_a_redirect_is_not_followed(prometheus: Prometheus) -> None:
    elsewhere = Recording()
    async with server(elsewhere) as other:
        redirect = answering("", "307 Temporary Redirect", f"Location: {other}/api/v1/query")
        async with server(redirect) as address:
            assert isinstance(await prometheus.query(address, "x", 1.0), SourceDown)
    assert elsewhere.requests == []


async def test_the_token_goes_to_the_installed_address_only(tmp_path: Path, clock: Clock) -> None:
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


async def test_an_address_that_is_not_allowed_is_not_asked(clock: Clock) -> None:
    recording = Recording()
    async with server(recording) as address:
        client = Prometheus(Access(Origin.of("http://prometheus:9090")), monotonic=clock)
        down = await client.query(address, "x", 1.0)
        await client.close()
    assert (down.reason, recording.requests) == ("AddressNotAllowed", [])
    assert "prometheus.allowedAddresses" in down.message


async def test_a_missing_token_is_said_and_nothing_is_asked(clock: Clock) -> None:
    recording = Recording()
    async with server(recording) as address:
        access = Access(Origin.of(address), token_file=Path("/nowhere/token"))
        client = Prometheus(access, monotonic=clock)
        down = await client.query(address, "x", 1.0)
        await client.close()
    assert (down.reason, recording.requests) == ("Unreachable", [])
    assert "No such file" in down.message


async def test_a_thousand_addresses_cost_neither_threads_nor_memory_each(prometheus: Prometheus) -> None:
    before = threading.active_count()
    async with server(answering(vector())) as address:
        for number in range(200):
            assert await prometheus.query(f"{address}/{number}", "x", 1.0) == []
    assert threading.active_count() <= before + 2  # who reads answers, and the loop's own resolver
    assert len(prometheus._addresses) == MOST_ADDRESSES


@pytest.mark.parametrize("address", ["http://[", "http://a:99999", "ftp://a", "http://", "x"])
async def test_what_is_no_address_is_said_and_is_no_exception(address: str) -> None:
    client = Prometheus(Access())
    down = await client.query(address, "x", 1.0)
    await client.close()
    assert down.reason == "AddressNotAllowed"


async def test_headers_and_password_go_with_queries_to_the_installed_address_only(
    tmp_path: Path, clock: Clock
) -> None:
    (tmp_path / "username").write_text("models")
    (tmp_path / "password").write_text("secret")
    own, others = Recording(), Recording()
    async with server(own) as installed, server(others) as allowed:
        headers = {"X-Scope-OrgID": "models"}
        others_too = frozenset({Origin.exactly(allowed)})
        access = Access(Origin.of(installed), others_too, basic_auth=tmp_path, further=headers)
        client = Prometheus(access, monotonic=clock)
        assert await client.query(installed, "x", 1.0) == []
        assert await client.query(allowed, "x", 1.0) == []
        await client.close()
    assert "X-Scope-OrgID: models\r\n" in own.requests[0][1]
    assert "Authorization: Basic bW9kZWxzOnNlY3JldA==\r\n" in own.requests[0][1]
    sent = others.requests[0][1].lower()
    assert "x-scope-orgid" not in sent
    assert "authorization" not in sent
