"""Who sees what: only those whom the API server lets read, and no longer than it does."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from bandit_operator.adapters.reviews import TOKEN_REVIEWS
from bandit_operator.errors import APIError, APIUnreachable
from bandit_operator.runtime.server import leave_out_faults_of_clients
from bandit_operator.watch.web.gate import AT_ONCE as REVIEWS_AT_ONCE
from bandit_operator.watch.web.gate import (
    KEPT_SECONDS,
    LONGEST_TOKEN,
    MOST_NAMESPACES,
    TOKENS_AT_ONCE,
)
from bandit_operator.watch.web.server import AT_ONCE, LONGEST_BODY
from tests.support.website import ADMIN, LIMITED, STRANGER, Site

PAGES = ["/", "/rollouts/models/income", "/rollouts/models/missing", "/?namespace=models"]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def text_of(visitor: ClientSession, path: str, token: str, status: int = 200) -> str:
    async with visitor.get(path, headers=bearer(token)) as answer:
        assert answer.status == status
        return await answer.text()


async def sign_in(visitor: ClientSession, token: str, **headers: str) -> Any:
    form = {"token": token, "next": "/rollouts/models/income"}
    return await visitor.post("/sign-in", data=form, headers=headers, allow_redirects=False)


@pytest.mark.parametrize("path", PAGES)
async def test_without_a_token_nothing_is_shown_but_how_to_sign_in(
    visitor: ClientSession, site: Site, path: str
) -> None:
    async with visitor.get(path) as answer:
        text = await answer.text()
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "Sign in" in text
    assert "logistic" not in text
    assert site.api.asked == []


@pytest.mark.parametrize("path", PAGES)
async def test_a_wrong_token_is_said_to_be_wrong_and_how_to_get_one(
    visitor: ClientSession, path: str
) -> None:
    text = await text_of(visitor, path, "forged", 401)
    assert "does not know this token" in text
    assert "kubectl create token" in text
    assert "forged" not in text


async def test_a_token_with_no_rights_sees_no_namespace_and_no_rollout(visitor: ClientSession) -> None:
    text = await text_of(visitor, "/", STRANGER)
    assert "no BanditDeployment that you may read" in text
    assert not [name for name in ("income", "scoring", "fraud", "models") if name in text]
    there = await text_of(visitor, "/rollouts/models/income", STRANGER, 404)
    missing = await text_of(visitor, "/rollouts/models/missing", STRANGER, 404)
    assert there.replace("income", "missing") == missing


async def test_a_token_of_one_namespace_sees_that_namespace_only(visitor: ClientSession) -> None:
    text = await text_of(visitor, "/", LIMITED)
    assert "income" in text
    assert "ranking" in text
    assert "scoring" not in text
    assert "fraud" not in text
    assert "no BanditDeployment that you may read" in await text_of(visitor, "/?namespace=fraud", LIMITED)
    await text_of(visitor, "/rollouts/fraud/scoring", LIMITED, 404)
    assert "boosting" in await text_of(visitor, "/rollouts/models/income", LIMITED)


async def test_a_right_to_read_one_resource_opens_that_one(visitor: ClientSession, site: Site) -> None:
    site.api.rights.add(("stranger", "get", "models", "ranking"))
    assert "candidate" in await text_of(visitor, "/rollouts/models/ranking", STRANGER)
    await text_of(visitor, "/rollouts/models/income", STRANGER, 404)


async def test_whoever_may_list_all_is_asked_about_once(visitor: ClientSession, site: Site) -> None:
    assert "fraud/" in await text_of(visitor, "/", ADMIN)
    assert [path.rpartition("/")[2] for path, _ in site.api.asked] == ["tokenreviews", "subjectaccessreviews"]
    spec = site.api.asked[1][1]
    assert (spec["groups"], spec["extra"]) == (["system:authenticated"], {"scopes": ["all"]})


async def test_answers_are_kept_for_a_minute_and_then_asked_for_again(
    visitor: ClientSession, site: Site
) -> None:
    await text_of(visitor, "/rollouts/models/income", LIMITED)
    asked = len(site.api.asked)
    await text_of(visitor, "/rollouts/models/income", LIMITED)
    assert len(site.api.asked) == asked
    site.api.rights.clear()
    site.monotonic += KEPT_SECONDS
    await text_of(visitor, "/rollouts/models/income", LIMITED, 404)


async def test_whoever_is_known_waits_for_nobody_who_is_asked_about(
    visitor: ClientSession, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await text_of(visitor, "/rollouts/models/income", LIMITED)
    asked_about, answers = 0, asyncio.Event()
    review = site.api.review

    async def slow(path: str, body: dict[str, Any]) -> Any:
        nonlocal asked_about
        asked_about += 1
        await answers.wait()
        return await review(path, body)

    monkeypatch.setattr(site.api, "review", slow)
    unknown = [
        asyncio.create_task(text_of(visitor, "/", f"made-up-{number}", 401))
        for number in range(REVIEWS_AT_ONCE)
    ]
    while asked_about < REVIEWS_AT_ONCE:
        await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await text_of(visitor, "/rollouts/models/income", LIMITED)
    answers.set()
    await asyncio.gather(*unknown)


async def test_signing_in_keeps_the_token_where_no_script_and_no_other_site_gets_it(
    visitor: ClientSession,
) -> None:
    answer = await sign_in(visitor, LIMITED)
    assert (answer.status, answer.headers["Location"]) == (303, "/rollouts/models/income")
    cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    async with visitor.get("/") as listed:
        assert listed.status == 200
    left = await visitor.post("/sign-out", allow_redirects=False)
    assert (left.status, left.headers["Location"]) == (303, "/sign-in")
    async with visitor.get("/") as listed:
        assert listed.status == 401


async def test_behind_a_proxy_with_tls_the_cookie_is_for_tls_only(visitor: ClientSession) -> None:
    answer = await sign_in(visitor, LIMITED, **{"X-Forwarded-Proto": "https"})
    assert "Secure" in answer.headers["Set-Cookie"].split("; ")


@pytest.mark.parametrize(
    ("said", "kept"), [("https, http", True), ("HTTPS,https", True), ("http, https", False)]
)
async def test_behind_several_proxies_the_one_before_the_browser_says_whether_there_is_tls(
    visitor: ClientSession, said: str, kept: bool
) -> None:
    headers = {"X-Forwarded-Proto": said}
    async with visitor.post(
        "/sign-in", data={"token": ADMIN}, headers=headers, allow_redirects=False
    ) as answer:
        assert ("Secure" in answer.headers["Set-Cookie"]) is kept


async def test_a_wrong_token_does_not_sign_in(visitor: ClientSession) -> None:
    answer = await sign_in(visitor, "forged")
    assert answer.status == 401
    assert "Set-Cookie" not in answer.headers
    assert 'value="/rollouts/models/income"' in await answer.text()


async def test_a_token_that_expires_signs_out(visitor: ClientSession, site: Site) -> None:
    await sign_in(visitor, LIMITED)
    del site.api.people[LIMITED]
    site.monotonic += KEPT_SECONDS
    async with visitor.get("/") as answer:
        assert answer.status == 401
        assert "has expired" in await answer.text()


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {"Origin": "http://["},
    ],
)
async def test_a_form_of_another_site_is_refused(
    visitor: ClientSession, path: str, headers: dict[str, str], site: Site
) -> None:
    answer = await visitor.post(path, data={"token": ADMIN}, headers=headers, allow_redirects=False)
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers
    assert site.api.asked == []


@pytest.mark.parametrize(
    "following",
    [
        *("https://evil.example", "//evil.example", "/\\evil.example", "javascript:1", "/a\r\nb: c"),
        *("//[", "http://[evil", "/\t/evil.example"),
    ],
)
async def test_signing_in_leads_to_no_other_site(visitor: ClientSession, following: str) -> None:
    form = {"token": ADMIN, "next": following}
    answer = await visitor.post("/sign-in", data=form, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
async def test_nothing_can_be_written(visitor: ClientSession, method: str) -> None:
    async with visitor.request(method, "/rollouts/models/income", headers=bearer(ADMIN)) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")


@pytest.mark.parametrize("path", ["/", "/sign-in", "/static/page.css", "/nowhere", "/static/../pages.py"])
async def test_every_answer_tells_the_browser_to_trust_nothing_else(
    visitor: ClientSession, path: str
) -> None:
    async with visitor.get(path) as answer:
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'"} <= set(policy)
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("error", "said"),
    [(APIUnreachable("no answer"), "cannot be asked"), (APIError(403, "forbidden"), "may not ask")],
)
async def test_an_api_server_that_does_not_say_who_it_is_opens_nothing(
    visitor: ClientSession, site: Site, error: Exception, said: str
) -> None:
    site.api.broken = error
    text = await text_of(visitor, "/rollouts/models/income", ADMIN, 503)
    assert said in text
    assert "logistic" not in text


async def test_a_token_is_in_no_log_and_no_page(
    visitor: ClientSession, site: Site, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    token = "a-token-that-nobody-may-see"
    await sign_in(visitor, token)
    site.api.broken = APIError(403, "forbidden")
    pages = [
        await (await sign_in(visitor, f"{token}-2")).text(),
        await text_of(visitor, "/", f"{token}-3", 503),
    ]
    shown = capsys.readouterr()
    assert not [one for one in (*pages, caplog.text, shown.out, shown.err) if token in one]


async def test_what_cannot_be_a_token_is_not_asked_about(visitor: ClientSession, site: Site) -> None:
    for token in ("t" * (LONGEST_TOKEN + 1), "tök", "a\tb", ""):
        assert (await sign_in(visitor, token)).status == 401
    assert site.api.asked == []


async def test_a_long_body_is_refused(visitor: ClientSession) -> None:
    answer = await visitor.post("/sign-in", data={"token": "t" * (LONGEST_BODY + 1)}, allow_redirects=False)
    assert answer.status == 413


async def test_too_many_requests_at_once_are_told_to_come_again(
    server: TestServer, visitor: ClientSession, site: Site
) -> None:
    assert server.started
    site.pages._under_way = AT_ONCE
    async with visitor.get("/sign-in") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert answer.headers["Cache-Control"] == "no-store"
    site.pages._under_way = 0
    async with visitor.get("/sign-in") as answer:
        assert answer.status == 200


async def test_a_body_that_never_arrives_does_not_keep_others_out(
    server: TestServer, visitor: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bandit_operator.watch.web.server.BODY_SECONDS", 0.3)
    head = b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
    head += b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    slow = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(AT_ONCE)]
    for _, writer in slow:
        writer.write(head)
        await writer.drain()
    refused = [await asyncio.wait_for(reader.readline(), 20) for reader, _ in slow]
    assert refused == [b"HTTP/1.1 408 Request Timeout\r\n"] * AT_ONCE
    async with visitor.get("/sign-in") as answer:
        assert answer.status == 200
    for _, writer in slow:
        writer.close()


async def test_no_flood_of_made_up_tokens_reaches_the_api_server(visitor: ClientSession, site: Site) -> None:
    answers = [(await sign_in(visitor, f"made-up-{number}")).status for number in range(TOKENS_AT_ONCE + 5)]
    assert answers == [401] * TOKENS_AT_ONCE + [503] * 5
    assert len(site.api.asked) == TOKENS_AT_ONCE
    site.monotonic += 1.0
    assert (await sign_in(visitor, ADMIN)).status == 303


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/json", "text/plain"])
async def test_only_the_form_itself_signs_in(visitor: ClientSession, site: Site, kind: str) -> None:
    answer = await visitor.post("/sign-in", data=b"token=x", headers={"Content-Type": kind})
    assert answer.status == 415
    assert site.api.asked == []


async def test_whoever_is_in_one_of_very_many_namespaces_names_it(visitor: ClientSession, site: Site) -> None:
    body = site.cache.resources["models", "income"]
    for number in range(MOST_NAMESPACES):
        site.cache.resources[f"n{number}", "income"] = body
    assert "Which namespace?" in await text_of(visitor, "/", LIMITED)
    assert "ranking" in await text_of(visitor, "/?namespace=models", LIMITED)
    asked = [spec for path, spec in site.api.asked if path != TOKEN_REVIEWS]
    assert len(asked) == 2


async def answered(server: TestServer, request: bytes) -> bytes:
    """What comes back for bytes that no client of ours would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return answer


FORM = (
    b"POST /sign-in HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n"
)
NO_HTTP = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03secret\r\n\r\n",
    "a token too long": b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
    + b"secret" * 2000
    + b"\r\n\r\n",
    "broken chunks": FORM + b"Transfer-Encoding: chunked\r\n\r\ntoken=secret\r\n0\r\n\r\n",
    "no gzip": FORM + b"Content-Encoding: gzip\r\nContent-Length: 12\r\n\r\ntoken=secret",
}


@pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP.keys())
async def test_what_is_no_http_is_refused_and_fills_no_log(
    server: TestServer,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    sent: bytes,
) -> None:
    leave_out_faults_of_clients()
    assert b" 400 Bad Request\r\n" in await answered(server, sent)
    severe = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert (severe, "not made" in capsys.readouterr().out) == ([], False)


@pytest.mark.parametrize("path", ["/rollouts/models/income", "/sign-in"])
async def test_a_slash_at_the_end_leads_to_the_page_without_and_nowhere_else(
    server: TestServer, visitor: ClientSession, path: str
) -> None:
    for found in (f"{path}/", f"{path}/?next=/"):
        async with visitor.get(found, headers=bearer(ADMIN), allow_redirects=False) as answer:
            assert answer.status == 308
            assert answer.headers["Location"].partition("?")[0] == path
            assert answer.headers["Cache-Control"] == "no-store"
    head = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    for elsewhere in (b"//evil.example/", b"//evil.example/static/page.css/"):
        assert b"Location: //" not in await answered(server, b"GET " + elsewhere + head)
