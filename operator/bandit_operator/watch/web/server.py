"""The pages over HTTP: who asks, whether they may, and the answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from typing import Any
from urllib.parse import parse_qs

import structlog
from aiohttp import web
from cachetools import LRUCache

from bandit_operator.adapters.reviews import Person
from bandit_operator.api.references import Key
from bandit_operator.errors import APIError, APIUnreachable
from bandit_operator.runtime.server import leave_out_faults_of_clients
from bandit_operator.status.past import Past, past_of
from bandit_operator.watch.cache import Cache
from bandit_operator.watch.exposed import BROKEN
from bandit_operator.watch.web import pages
from bandit_operator.watch.web.gate import Gate, TooManyNamespaces, TooManyTokens
from bandit_operator.watch.web.headers import (
    ALWAYS,
    COOKIE,
    from_own_page,
    keep_token,
    own_path,
    token_of,
)

log = structlog.get_logger()

AT_ONCE = 32
"""Most requests that are worked on at once; others are told to come again."""
LONGEST_BODY = 16 * 1024
"""Bytes of the longest body of a request."""
MOST_KEPT = 64
"""Most resources whose past is kept until they change: some ten MiB, where each has twenty arms."""
BODY_SECONDS = 5.0
"""How long a body may take to arrive: a request that waits for it is one of those that are worked on."""
IDLE_SECONDS = 15.0
"""How long a connection may be open without a request."""
UNKNOWN_TOKEN = (
    "The API server does not know this token, or it has expired. Make a new one:"
    " kubectl create token ACCOUNT -n NAMESPACE"
)
STATIC = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Seen = Callable[[web.Request, Person], Awaitable[web.Response]]


class Pages:
    """Answers requests from a cache, for whom a gate lets through.

    Args:
        cache: What the watches have shown.
        gate: Who may see what.
        now: The time of day, in seconds since the Unix epoch.
    """

    def __init__(self, cache: Cache, gate: Gate, now: Callable[[], float] = time.time) -> None:
        self._cache, self._gate, self._now = cache, gate, now
        self._pasts: LRUCache[tuple[str, ...], Past] = LRUCache(MOST_KEPT)
        self._computing = asyncio.Semaphore(1)
        self._under_way = 0
        folder = resources.files("bandit_operator.watch.web") / "static"
        self._static = {name: (folder / name).read_bytes() for name in STATIC}

    def application(self) -> web.Application:
        """Return what answers."""
        without_slash = web.normalize_path_middleware(append_slash=False, remove_slash=True)
        made = web.Application(middlewares=[self._bounded, without_slash], client_max_size=LONGEST_BODY)
        made.router.add_get("/", self._for_people(self._list))
        made.router.add_get("/rollouts/{namespace}/{name}", self._for_people(self._rollout))
        made.router.add_get("/sign-in", self._form)
        made.router.add_post("/sign-in", self._sign_in)
        made.router.add_post("/sign-out", self._sign_out)
        made.router.add_get("/static/{name}", self._file)
        return made

    # ---- around every request ---------------------------------------------------------------

    @web.middleware
    async def _bounded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._under_way >= AT_ONCE:
            answer: web.StreamResponse = _later()
        else:
            self._under_way += 1
            try:
                answer = await self._answered(request, handler)
            finally:
                self._under_way -= 1
        answer.headers.update(ALWAYS)
        return answer

    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPRedirection as elsewhere:
            return web.Response(status=elsewhere.status, headers={"Location": elsewhere.headers["Location"]})
        except web.HTTPException as refused:
            answer = _said(refused.status, refused.reason, "There is nothing like that here.")
            if "Allow" in refused.headers:
                answer.headers["Allow"] = refused.headers["Allow"]
            return answer
        except TooManyTokens:
            return _later()
        except (APIError, APIUnreachable) as error:
            log.warning("the API server was not asked who may see the page", error=str(error))
            text = (
                "The API server cannot be asked who you are and what you may see."
                if isinstance(error, APIUnreachable)
                else "The operator may not ask the API server who you are: its rights are those of a chart"
                " without web.enabled. docs/web.md says which it needs."
            )
            return _said(503, "Not now", text)
        except Exception:
            log.exception("a page was not made", path=request.path)
            return _said(500, "This page could not be made", "The log of the operator says why.")

    def _for_people(self, handler: Seen) -> Handler:
        async def known(request: web.Request) -> web.StreamResponse:
            token = token_of(request)
            person = await self._gate.person(token) if token else None
            if person is None:
                return _form(401, UNKNOWN_TOKEN if token else "", request.path_qs)
            return await handler(request, person)

        return known

    # ---- pages ------------------------------------------------------------------------------

    async def _list(self, request: web.Request, person: Person) -> web.Response:
        namespace = request.query.get("namespace", "")
        present = {key[0] for key in self._cache.resources}
        try:
            readable = await self._gate.readable(person, present & {namespace} if namespace else present)
        except TooManyNamespaces:
            text = "Resources are in too many namespaces to look for yours: open /?namespace=NAME."
            return _said(200, "Which namespace?", text, person)
        allowed = set(readable)
        keys = sorted(key for key in self._cache.resources if key[0] in allowed)
        number = request.query.get("page", "1")
        shown = pages.part_of(keys, int(number) if number.isdecimal() and len(number) < 6 else 1)
        now, rows = self._now(), []
        for key in shown.keys:
            if key in self._cache.resources:
                rows.append(pages.row_of(self._cache.resources[key], now))
                await asyncio.sleep(0)  # the ticks of the operator come first
        content: dict[str, Any] = {"namespace": namespace, "shown": shown, "total": len(keys), "rows": rows}
        names = [] if len(readable) < 2 else readable
        return _page("list", person=person, live=True, namespaces=names, **content)

    async def _rollout(self, request: web.Request, person: Person) -> web.Response:
        key = (request.match_info["namespace"], request.match_info["name"])
        # Whoever may not read it does not learn whether it is there.
        allowed = await self._gate.may_get(person, key)
        body = self._cache.resources.get(key) if allowed else None
        if body is None:
            text = f"There is no BanditDeployment {key[1]} in namespace {key[0]}, or you may not read it."
            return _said(404, "Not found", text, person)
        try:
            content = pages.rollout(body, await self._past(key, body), self._now())
            return _page("rollout", person=person, live=True, **content)
        except BROKEN:
            text = f"The status of {key[0]}/{key[1]} is not one that this operator wrote."
            return _said(200, "Not to be read", text, person)

    async def _past(self, key: Key, body: Mapping[str, Any]) -> Past:
        """The figures of earlier moments, made once for each version of a resource, one at a time."""
        async with self._computing:
            version = (*key, body["metadata"]["uid"], body["metadata"]["resourceVersion"])
            if version not in self._pasts:
                self._pasts[version] = await asyncio.to_thread(past_of, body)
            return self._pasts[version]

    # ---- signing in and out -----------------------------------------------------------------

    async def _form(self, request: web.Request) -> web.Response:
        return _form(200, "", request.query.get("next", "/"))

    async def _sign_in(self, request: web.Request) -> web.Response:
        if not from_own_page(request):
            return _said(403, "Refused", "The form was sent by a page of another site.")
        if request.content_type != "application/x-www-form-urlencoded":
            raise web.HTTPUnsupportedMediaType
        sent = parse_qs((await _body(request)).decode(errors="replace"))
        token, following = sent.get("token", [""])[0].strip(), own_path(sent.get("next", ["/"])[0])
        if await self._gate.person(token) is None:
            return _form(401, UNKNOWN_TOKEN, following)
        answer = web.Response(status=303, headers={"Location": following})
        keep_token(request, answer, token)
        return answer

    async def _sign_out(self, request: web.Request) -> web.Response:
        if not from_own_page(request):
            return _said(403, "Refused", "The form was sent by a page of another site.")
        answer = web.Response(status=303, headers={"Location": "/sign-in"})
        answer.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
        return answer

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in STATIC:
            raise web.HTTPNotFound
        return web.Response(body=self._static[name], content_type=STATIC[name], charset="utf-8")


async def _body(request: web.Request) -> bytes:
    """The body of a request.

    Raises:
        HTTPRequestTimeout: It did not arrive in time; the connection is closed then.
        HTTPBadRequest: It is not what its headers say.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except web.RequestPayloadError:
        raise web.HTTPBadRequest from None


def _page(template: str, status: int = 200, **content: object) -> web.Response:
    return web.Response(text=pages.rendered(template, **content), content_type="text/html", status=status)


def _said(status: int, heading: str, text: str, person: Person | None = None) -> web.Response:
    return _page("said", status, person=person, heading=heading, text=text)


def _later() -> web.Response:
    answer = _said(503, "Too many requests", "Try again in some seconds.")
    answer.headers["Retry-After"] = "5"
    return answer


def _form(status: int, trouble: str, following: str) -> web.Response:
    answer = _page("sign-in", status, person=None, trouble=trouble, next=own_path(following))
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


async def serve(listen: tuple[str, int], made: Pages) -> web.AppRunner:
    """Answer until the runner is cleaned up.

    Raises:
        OSError: The address cannot be listened on.
    """
    leave_out_faults_of_clients()
    runner = web.AppRunner(made.application(), access_log=None, keepalive_timeout=IDLE_SECONDS)
    await runner.setup()
    await web.TCPSite(runner, *listen).start()
    return runner
