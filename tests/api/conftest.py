from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.manifests import good


@pytest.fixture
def manifest() -> dict[str, Any]:
    """Return a fresh manifest with every kind of field."""
    loaded = good()
    loaded["metadata"] |= {"namespace": "models", "uid": "2c1b", "generation": 3}
    return loaded


@pytest.fixture
def smallest(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest with only what is required."""
    spec = manifest["spec"]
    arms = [{"name": arm["name"], "backendRef": {"name": arm["backendRef"]["name"]}} for arm in spec["arms"]]
    counters = {key: spec["reward"]["prometheus"][key] for key in ("successes", "trials")}
    manifest["spec"] = {
        "traffic": {"routeRef": {"name": "income"}},
        "baseline": "logistic",
        "arms": arms,
        "reward": {"prometheus": counters},
    }
    return manifest


@pytest.fixture
def with_prometheus(manifest: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Return a function that makes a manifest with another source of rewards."""

    def make(**prometheus: Any) -> dict[str, Any]:
        manifest["spec"]["reward"]["prometheus"] = prometheus
        return manifest

    return make
