"""Of a route that no definition has held to its shape, what cannot be read counts as not there."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.routers.shape import readable
from bandit_operator.watch.cache import Cache

METADATA = {"name": "income", "namespace": "models", "uid": "1", "resourceVersion": "7", "generation": 1}
GOOD = {"name": "good", "port": 80, "weight": 5000}


@pytest.mark.parametrize(
    "ref",
    [None, "good", [], {}, {"name": 1}, {"name": "good", "weight": "5"}, {"name": "good", "weight": None},
     {"name": "good", "weight": True}, {"name": "good", "weight": -1}, {"name": "good", "namespace": {}}],
)  # fmt: skip
def test_a_backend_that_cannot_be_read_keeps_its_place(ref: Any) -> None:
    route = readable({"metadata": METADATA, "spec": {"rules": [{"backendRefs": [ref, GOOD]}]}})
    assert route["spec"]["rules"][0]["backendRefs"] == [{"name": ""}, GOOD]


@pytest.mark.parametrize(
    "body",
    [{}, {"spec": None}, {"spec": {"rules": 3}}, {"spec": {"rules": [None]}, "status": {"parents": [1]}}],
)
def test_a_route_of_any_shape_can_be_kept(body: dict[str, Any]) -> None:
    cache = Cache()
    assert cache.put_route("HTTPRoute", {"metadata": METADATA, **body})


def test_a_route_of_the_right_shape_is_what_it_was() -> None:
    route = {
        "metadata": {**METADATA, "managedFields": [{"fieldsV1": {"f:spec": {"f:rules": {}}}}]},
        "spec": {"hostnames": ["a"], "rules": [{"name": "predict", "filters": [], "backendRefs": [GOOD]}]},
        "status": {"parents": [{"controllerName": "x", "conditions": [{"type": "Accepted"}]}]},
    }  # fmt: skip
    assert readable(route) == route
