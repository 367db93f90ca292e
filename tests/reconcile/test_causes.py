"""How often it is looked for why arms have no series."""

from __future__ import annotations

from typing import Any

from bandit_operator.adapters.access import Access
from bandit_operator.adapters.discovery import Discovery
from bandit_operator.api.presets.base import ArmLabel
from bandit_operator.reconcile.causes import FIRST_PAUSE, LONGEST_PAUSE, Causes
from bandit_operator.sources.base import Counter

LABEL = ArmLabel("arm", (("a", "a"),))
TRIALS, OTHER = (Counter("trials", selector, LABEL, "x") for selector in ("all_total", "other_total"))


class Counting(Discovery):
    """A server that has something else each time it is asked."""

    def __init__(self) -> None:
        super().__init__(Access())
        self.asked = 0
        self.away = False
        self.with_others = False

    @property
    def busy(self) -> bool:
        return self.with_others

    async def ask(self, address: str, at: float, read: Any) -> Any:  # noqa: ARG002 - as the real one takes them
        self.asked += 1
        return None if self.away else f"there is no metric {self.asked}"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_cause_is_looked_for_four_times_a_minute_at_most_and_more_seldom_the_longer_it_lasts() -> (
    None
):
    server, clock = Counting(), Clock()
    causes = Causes(server, clock)
    said = []
    for second in range(0, 8 * 3600, 5):
        clock.now = float(second)
        said.append(await causes.of("uid", "http://p", TRIALS, clock.now))
        assert server.asked <= 1 + second / FIRST_PAUSE
    assert said[:3] == ["at http://p, there is no metric 1"] * 3
    assert said[3] == "at http://p, there is no metric 2"
    assert server.asked <= 8 + 8 * 3600 / LONGEST_PAUSE


async def test_another_counter_is_looked_for_at_once() -> None:
    server = Counting()
    causes = Causes(server, Clock())
    first = await causes.of("uid", "http://p", TRIALS, 0.0)
    assert await causes.of("uid", "http://p", OTHER, 0.0) != first


async def test_a_server_that_does_not_answer_changes_nothing_of_what_is_said() -> None:
    server, clock = Counting(), Clock()
    causes = Causes(server, clock)
    first = await causes.of("uid", "http://p", TRIALS, 0.0)
    server.away, clock.now = True, FIRST_PAUSE
    assert await causes.of("uid", "http://p", TRIALS, 60.0) == first
    assert server.asked == 2


async def test_a_resource_whose_turn_others_took_is_looked_for_at_its_next_tick() -> None:
    server, clock = Counting(), Clock()
    causes = Causes(server, clock)
    server.with_others = True
    assert await causes.of("uid", "http://p", TRIALS, 0.0) == ""
    server.with_others, clock.now = False, 5.0
    assert await causes.of("uid", "http://p", TRIALS, 5.0) == "at http://p, there is no metric 1"
