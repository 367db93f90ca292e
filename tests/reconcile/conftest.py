"""The resource that the tests of a pass are about."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from tests.support.manifests import good
from tests.support.process import Process


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """No log lines: thousands of passes would write some, with every traceback drawn out."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()  # tests of what is logged may run next in this process


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
