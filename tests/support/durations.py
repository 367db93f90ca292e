"""Which tests are slow, as measured: ``make slow-tests`` writes them to ``tests/slow.txt``.

They carry the mark ``slow`` then, so that ``make test-fast`` takes little over a minute; ``make test`` runs
all of them. A test that is slow whatever the machine (it starts programs) has the mark in its own file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

FILE = Path(__file__).parents[1] / "slow.txt"
SLOW_SECONDS = 0.15
"""From this on a test is slow, all of its parameters together."""
ALWAYS_FAST = "tests/reconcile/test_worlds.py::TestWorlds"
"""Made-up worlds find more than any other test, and are played with the fast ones however long they take."""


def name_of(node: str) -> str:
    """A test's name, as path and function, without its parameters."""
    return node.partition("[")[0]


def slow_ones(seconds: Mapping[str, float]) -> list[str]:
    """The names of tests that are slow, sorted, by the seconds that each took."""
    return sorted(
        name for name, taken in seconds.items() if taken >= SLOW_SECONDS and not name.startswith(ALWAYS_FAST)
    )


def listed() -> frozenset[str]:
    """The names that were written last."""
    return frozenset(FILE.read_text(encoding="utf-8").split())


def mark(items: Iterable[pytest.Item]) -> None:
    """Give the tests that are listed the mark."""
    slow = listed()
    for item in items:
        if name_of(item.nodeid) in slow:
            item.add_marker(pytest.mark.slow)


class Stopwatch:
    """A plugin of pytest that measures, and writes the list once all is over."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what a phase of a test took."""
        self.seconds[name_of(report.nodeid)] += report.duration

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the list; workers, which see a part only, write none."""
        if not hasattr(session.config, "workerinput"):
            FILE.write_text("".join(f"{name}\n" for name in slow_ones(self.seconds)), encoding="utf-8")
