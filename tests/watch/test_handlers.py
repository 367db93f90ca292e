"""What is watched, and what of a resource is news."""

from __future__ import annotations

from typing import Any, cast

import pytest

from bandit_operator.runtime.shards import Shards
from bandit_operator.watch.cache import Cache
from bandit_operator.watch.handlers import is_news, registry
from bandit_operator.watch.relist import WATCHED

KEY = ("models", "income")


def version(number: int, annotations: dict[str, str], **metadata: Any) -> dict[str, Any]:
    """A resource as the API server holds it."""
    known = {"name": "income", "namespace": "models", "uid": "2c1b", "generation": 1, **metadata}
    metadata = {**known, "resourceVersion": str(number), "annotations": annotations}
    return {
        "metadata": metadata,
        "spec": {"traffic": {"routeRef": {"kind": "HTTPRoute", "name": "income"}}, "arms": []},
    }


@pytest.mark.parametrize(
    ("annotations", "more", "expected"),
    [
        ({"kubectl.kubernetes.io/last-applied-configuration": "{}"}, {}, False),
        ({"kubectl.kubernetes.io/last-applied-configuration": "{ }"}, {}, False),
        ({"bandit-operator.dev/restore": "bad@2026-01-01T00:00:00Z"}, {}, True),
        ({"kubectl.kubernetes.io/last-applied-configuration": "{}"}, {"generation": 2}, True),
    ],
    ids=["our own write", "an annotation of others", "one of ours", "the spec"],
)
def test_a_change_is_news_where_something_follows_from_it(
    annotations: dict[str, str], more: dict[str, Any], expected: bool
) -> None:
    cache = Cache()
    cache.put_resource(version(1, {"kubectl.kubernetes.io/last-applied-configuration": "{}"}))
    before = cache.resources[KEY]
    cache.put_resource(version(2, annotations, **more))
    assert is_news(before, cache.resources[KEY]) == expected


def test_every_kind_that_is_watched_is_listed_now_and_then() -> None:
    handlers = registry(Cache(), cast("Shards", None))._watching.get_all_handlers()
    selectors = [one.selector for one in handlers if one.selector is not None]
    watched = {(one.group, one.version, one.any_name) for one in selectors}
    assert watched == {(one.group, one.version, one.plural) for one in WATCHED}


def test_a_huge_annotation_is_not_kept_whole() -> None:
    cache = Cache()
    cache.put_resource(version(1, {"bandit-operator.dev/restore": "x" * 200_000, "theirs": "y"}))
    kept = cache.resources[KEY]["metadata"]["annotations"]
    assert list(kept) == ["bandit-operator.dev/restore"]
    assert len(kept["bandit-operator.dev/restore"]) < 3000
