"""How far apart samples are is asked where windows are empty, and seldom."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.api.presets.base import ArmLabel
from bandit_operator.core import reasons
from bandit_operator.core.model import SourceDown
from bandit_operator.reconcile.spacings import LONGEST_PAUSE, Spacings
from bandit_operator.sources.base import Counter
from bandit_operator.sources.resets import Series

TRIALS = Counter("trials", "all_total", ArmLabel("arm", (("svm", "svm"),)))
OTHERS = Counter("trials", "other_total", TRIALS.label)
SECONDS = 5.0


class Scraped:
    """A server whose newest series has samples so far apart; None while it does not answer."""

    def __init__(self, apart: float | None) -> None:
        self.apart, self.asked = apart, 0

    async def series(self, address: str, promql: str, at: float) -> list[Series] | SourceDown:
        self.asked += 1
        if self.apart is None:
            return SourceDown(reasons.TIMEOUT, f"{address}: {promql}")
        return [Series({}, [(at - n * self.apart, 1.0) for n in range(5, -1, -1)])]


class Windows:
    """A resource's windows, one after the other."""

    def __init__(self, server: Scraped, length: float = SECONDS) -> None:
        self.spacings, self.length, self.end = Spacings(server), length, 1_000_000.0  # type: ignore[arg-type]  # made up

    async def next(self, *, empty: bool, counter: Counter = TRIALS) -> float | None:
        self.end += self.length
        window = (self.end - self.length, self.end)
        return await self.spacings.of("uid", "http://prometheus", counter, window, empty=empty)


@pytest.fixture
def scraped() -> Scraped:
    return Scraped(30.0)


async def test_windows_that_hold_rewards_raise_no_question(scraped: Scraped) -> None:
    windows = Windows(scraped)
    assert [await windows.next(empty=False) for _ in range(3)] == [None] * 3
    assert scraped.asked == 0


async def test_where_there_never_were_rewards_nothing_is_asked(scraped: Scraped) -> None:
    windows = Windows(scraped)
    assert [await windows.next(empty=True) for _ in range(3)] == [None] * 3
    assert scraped.asked == 0


async def test_the_first_empty_window_after_rewards_asks_and_the_answer_stays(scraped: Scraped) -> None:
    windows = Windows(scraped)
    said = [await windows.next(empty=empty) for empty in (False, True, False, True, True)]
    assert said == [None, 30.0, 30.0, 30.0, 30.0]
    assert scraped.asked == 1


async def test_what_is_too_rare_is_asked_again_even_where_no_window_is_empty(scraped: Scraped) -> None:
    windows = Windows(scraped)
    await windows.next(empty=False)
    await windows.next(empty=True)
    scraped.apart = 1.0
    said: Any = 30.0
    for _ in range(int(LONGEST_PAUSE / SECONDS) + 1):
        said = await windows.next(empty=False)
    assert said == 1.0
    assert scraped.asked == 2


async def test_no_answer_costs_fewer_and_fewer_questions(scraped: Scraped) -> None:
    windows, scraped.apart = Windows(scraped), None
    await windows.next(empty=False)
    hour = int(LONGEST_PAUSE / SECONDS)
    assert {await windows.next(empty=True) for _ in range(hour)} == {None}
    first = scraped.asked
    assert 2 <= first <= 8
    for _ in range(hour):
        await windows.next(empty=True)
    assert scraped.asked - first <= 2


async def test_another_counter_is_another_question(scraped: Scraped) -> None:
    windows = Windows(scraped)
    await windows.next(empty=False)
    await windows.next(empty=True)
    assert await windows.next(empty=False, counter=OTHERS) is None


async def test_of_windows_too_long_for_samples_to_be_rarer_nothing_is_asked(scraped: Scraped) -> None:
    windows = Windows(scraped, length=600.0)
    await windows.next(empty=False)
    await windows.next(empty=True)
    assert scraped.asked == 0
