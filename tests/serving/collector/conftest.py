"""A joiner whose database is opened again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bandit_serving.collector.joiner import Joiner
from bandit_serving.collector.stores import open_store
from bandit_serving.rewards import RouteRewards, make_reward

Begin = Callable[..., Joiner]


@pytest.fixture
def begin(database: str) -> Iterator[Begin]:
    """Open the database for a reward function, again each time, as after a crash."""
    opened: list[Joiner] = []

    def open_again(name: str = "accuracy", **settings: Any) -> Joiner:
        if opened:
            opened.pop().close()
        rewards = RouteRewards({}, make_reward(name, settings))
        opened.append(Joiner(open_store(database), rewards))
        return opened[-1]

    yield open_again
    opened.pop().close()
