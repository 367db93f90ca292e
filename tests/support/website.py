"""The web page on a rollout in the process, and an API server that knows who may read what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from aiohttp.test_utils import TestServer

from bandit_operator.adapters.reviews import ACCESS_REVIEWS, TOKEN_REVIEWS, Reviews
from bandit_operator.api.record import unpacked
from bandit_operator.api.timestamps import to_timestamp
from bandit_operator.watch.cache import Cache
from bandit_operator.watch.web.gate import Gate
from bandit_operator.watch.web.server import Pages
from tests.support.fake_api import FakeAPI, copied
from tests.support.playing import learned
from tests.support.process import Process

Right = tuple[str, str, str, str]
"""User, verb, namespace and name; empty for all namespaces, or all names."""
ADMIN, LIMITED, STRANGER = "admin-token", "limited-token", "stranger-token"
"""Of somebody who may read everything, who may read what is in models, and who may read nothing."""
HOSTILE = "\"><script>alert(1)</script><b a='"
"""A text that a page must not take for markup."""


class ReviewingAPI(FakeAPI):
    """Answers reviews from two tables."""

    def __init__(self) -> None:
        super().__init__()
        self.people = {ADMIN: "admin", LIMITED: "limited", STRANGER: "stranger"}
        self.rights: set[Right] = {
            ("admin", "list", "", ""),
            ("admin", "get", "", ""),
            ("limited", "list", "models", ""),
            ("limited", "get", "models", ""),
        }
        self.asked: list[tuple[str, dict[str, Any]]] = []
        """Path and spec of every review."""
        self.broken: BaseException | None = None

    async def review(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer one."""
        self.asked.append((path, body["spec"]))
        if self.broken is not None:
            raise self.broken
        if path == TOKEN_REVIEWS:
            user = self.people.get(body["spec"]["token"])
            found = {"username": user, "groups": ["system:authenticated"], "extra": {"scopes": ["all"]}}
            return {"status": {"authenticated": True, "user": found} if user else {}}
        assert path == ACCESS_REVIEWS
        user, what = body["spec"]["user"], body["spec"]["resourceAttributes"]
        assert (what["group"], what["resource"]) == ("bandit-operator.dev", "banditdeployments")
        wider = [(what["namespace"], what["name"]), (what["namespace"], ""), ("", "")]
        return {"status": {"allowed": any((user, what["verb"], *one) in self.rights for one in wider)}}


class Site:
    """The page, its cache and the API server that it asks; ``now`` is in seconds."""

    def __init__(self) -> None:
        self.cache, self.api, self.now, self.monotonic = Cache(), ReviewingAPI(), 0.0, 0.0
        gate = Gate(Reviews(self.api), lambda: self.monotonic)
        self.pages = Pages(self.cache, gate, lambda: self.now)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[TestServer]:
        """Answer on loopback."""
        server = TestServer(self.pages.application())
        async with server:
            yield server


RATES = {"logistic": 0.62, "boosting": 0.70, "forest": 0.64, "rules": 0.15}


async def played(ticks: int = 24, rates: dict[str, float] | None = None, **spec: Any) -> Process:
    """A rollout whose arms earn by chance, from a fixed seed."""
    chosen, generator = rates or RATES, np.random.default_rng(7)
    one = await learned(Process, tuple(chosen), **spec)
    for _ in range(ticks):
        shares = one.weights()
        total = sum(shares.values())
        one.earning = {}
        for arm, rate in chosen.items():
            trials = int(generator.poisson(400 * shares[arm] / total))
            one.earning[arm] = (float(trials), float(generator.binomial(trials, rate)))
        await one.tick()
    return one


_shown: list[tuple[float, dict[str, Any]]] = []
"""Seconds since the Unix epoch at which a rollout stopped, and its resource; played once."""


async def shown_site() -> Site:
    """A site with rollouts of several kinds in two namespaces, 90 s after the longest of them stopped."""
    if not _shown:
        lively = {"minTrials": 100, "minShare": "10%", "newArmShare": "10%", "maxStep": "10%"}
        for one, namespace, name in (
            (await played(guardrails=lively), "models", "income"),
            (await played(6, {"small": 0.5, "large": 0.52}), "fraud", "scoring"),
            (await played(3, {"current": 0.4, "candidate": 0.41}, mode="Observe"), "models", "ranking"),
        ):
            body = one.api.objects[one.path]
            body["metadata"] |= {"namespace": namespace, "name": name, "uid": f"{namespace}/{name}"}
            body["status"] = unpacked(body["status"])  # so that tests can change what is in the record
            _shown.append((one.now, body))
    site = Site()
    site.now = 90 + max(at for at, _ in _shown)
    for _, body in _shown:
        body["status"]["lookedAt"] = to_timestamp(site.now - 30)  # it goes on, without anything new
        site.cache.put_resource(copied(body))
    return site
