"""A client of Prometheus with a short deadline and a clock that tests set."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bandit_operator.adapters.access import Access
from bandit_operator.adapters.prometheus import Prometheus
from bandit_operator.core.model import SourceDown


class Everywhere(Access):
    """Lets every address be asked."""

    def refusal(self, address: str) -> SourceDown | None:  # noqa: ARG002 - that of the real one
        return None


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def prometheus(clock: Clock) -> AsyncIterator[Prometheus]:
    client = Prometheus(Everywhere(), deadline=0.5, monotonic=clock)
    yield client
    await client.close()


@pytest.fixture
async def patient(clock: Clock) -> AsyncIterator[Prometheus]:
    """A client for tests of what is read, however long a busy machine takes over it."""
    client = Prometheus(Everywhere(), deadline=60.0, monotonic=clock)
    yield client
    await client.close()
