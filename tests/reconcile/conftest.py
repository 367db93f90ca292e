"""The resource that the tests of a pass are about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.manifests import good
from tests.support.process import Process


@pytest.fixture
def body() -> dict[str, Any]:
    """A resource as the API server holds it, without a status."""
    loaded = good()
    loaded["metadata"] |= {"namespace": "models", "uid": "2c1b", "generation": 3, "resourceVersion": "7"}
    return loaded


@pytest.fixture
def process() -> Callable[..., Process]:
    """Start a replica on a fresh rollout; arguments as ``Process``."""
    return Process
