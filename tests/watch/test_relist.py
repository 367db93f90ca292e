"""A watch that has died, and what it did not tell. Such a fault cannot be made in a real one at will."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bandit_operator.errors import NotFound
from bandit_operator.watch import relist
from bandit_operator.watch.cache import Cache
from bandit_operator.watch.relist import Relister, Watched
from tests.support.manifests import good

Compare = Callable[..., Awaitable[tuple[Relister, list[Any]]]]

ROUTES = Watched("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute")
KEY = ("HTTPRoute", "models", "income")


class Lists:
    """Answers every list with the versions that it has."""

    def __init__(self, *versions: dict[str, int]) -> None:
        self.answers = list(versions)

    async def get(self, path: str, *, accept: str) -> dict[str, Any]:
        assert path.startswith("/apis/gateway.networking.k8s.io/v1/")
        if "/namespaces/others/" in path:
            return {"items": None}
        assert "PartialObjectMetadataList" in accept
        versions = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        items = [
            {"metadata": {"namespace": "models", "name": name, "resourceVersion": str(version)}}
            for name, version in versions.items()
        ]
        return {"items": items or None}  # as the API server answers where there are no objects


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch gets no time to catch up."""
    monkeypatch.setattr(relist, "WATCH_MAY_LAG_SECONDS", 0.0)


@pytest.fixture
def compare() -> Compare:
    """Compare lists with a cache that has seen version 7 of one route, and the resource that names it."""

    async def run(
        api: Any, cache: Cache | None = None, namespaces: tuple[str, ...] = ()
    ) -> tuple[Relister, list[Any]]:
        cache = Cache() if cache is None else cache
        woken: list[Any] = []
        cache.versions[KEY] = 7
        body = good()
        body["metadata"] |= {"namespace": "models", "name": "rollout", "uid": "1", "resourceVersion": "1"}
        body["spec"]["traffic"]["routeRef"] = {"kind": KEY[0], "name": KEY[2]}
        cache.put_resource(body)
        relister = Relister(api, cache, woken.append, namespaces)
        await relister.compare(ROUTES)
        assert bool(woken) != (KEY in cache.versions)
        return relister, woken

    return run


async def test_a_watch_that_has_brought_what_the_list_has_is_alive(
    compare: Compare,
) -> None:
    relister, woken = await compare(Lists({"income": 7}))
    assert relister.dead_watch is None
    assert woken == []


async def test_a_watch_that_stays_behind_the_list_is_dead(
    compare: Compare,
) -> None:
    relister, _ = await compare(Lists({"income": 8}))
    assert relister.dead_watch == "HTTPRoute"


async def test_a_watch_that_misses_a_whole_object_is_dead(
    compare: Compare,
) -> None:
    relister, _ = await compare(Lists({"income": 7, "other": 9}))
    assert relister.dead_watch == "HTTPRoute"


async def test_a_watch_that_is_late_and_goes_on_bringing_changes_is_alive(
    compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought = iter([("other", 9), ("another", 10), ("income", 8)])

    async def wait(_: float) -> None:
        name, version = next(brought)
        compared.versions[KEY[0], KEY[1], name] = version

    monkeypatch.setattr("bandit_operator.watch.relist.asyncio.sleep", wait)
    compared = Cache()
    relister, _ = await compare(Lists({"income": 8}), compared)
    assert relister.dead_watch is None
    assert next(brought, None) is None


async def test_a_watch_that_brings_others_and_never_an_object_that_is_there_is_dead(
    compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = itertools.count()

    async def wait(_: float) -> None:
        compared.versions[KEY[0], KEY[1], "other"] = 100 + next(waits)

    monkeypatch.setattr(relist, "WATCH_MAY_LAG_SECONDS", 30.0)
    monkeypatch.setattr("bandit_operator.watch.relist.asyncio.sleep", wait)
    compared = Cache()
    relister, _ = await compare(Lists({"income": 8, "other": 100}), compared)
    assert relister.dead_watch == "HTTPRoute"
    assert next(waits) == relist.WATCH_MAY_LAG_AT_MOST_SECONDS / 30.0


async def test_an_object_that_is_deleted_while_a_watch_is_waited_for_is_no_dead_watch(
    compare: Compare,
) -> None:
    relister, _ = await compare(Lists({"income": 7, "other": 9}, {"income": 7}))
    assert relister.dead_watch is None


async def test_one_namespaces_watch_does_not_vouch_for_another_ones(
    compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def wait(_: float) -> None:
        compared.versions[KEY[0], "others", "income"] = 100

    monkeypatch.setattr("bandit_operator.watch.relist.asyncio.sleep", wait)
    compared = Cache()
    relister, _ = await compare(Lists({"income": 8}), compared, ("models", "others"))
    assert relister.dead_watch == "HTTPRoute"


async def test_an_object_that_is_gone_without_a_word_is_forgotten_and_its_resource_looked_at(
    compare: Compare,
) -> None:
    relister, woken = await compare(Lists({}))
    assert woken == [("models", "rollout")]
    assert relister.dead_watch is None


async def test_a_kind_that_the_cluster_does_not_have_is_no_dead_watch(
    compare: Compare,
) -> None:
    class Absent:
        async def get(self, path: str, *, accept: str) -> dict[str, Any]:
            raise NotFound(404, f"{path} {accept}")

    relister, _ = await compare(Absent())
    assert relister.dead_watch is None
