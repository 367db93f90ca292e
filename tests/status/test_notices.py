"""Which of what happens people are told of, and that each is told once."""

from __future__ import annotations

import asyncio

import pytest

from bandit_operator.adapters.notices import NoticeKind
from tests.reconcile import test_reasons as scenarios
from tests.reconcile.test_decided import after_an_hour
from tests.reconcile.test_reasons import Scenario
from tests.support.process import Process


async def the_end_of_the_time() -> Process:
    one = await after_an_hour(Process, "1h")
    await one.tick(2)
    return one


@pytest.mark.parametrize(
    ("scenario", "kind", "reason"),
    [
        (scenarios.a_winner, NoticeKind.DECIDED, "Promoted"),
        (scenarios.no_difference, NoticeKind.DECIDED, "NoMaterialDifference"),
        (the_end_of_the_time, NoticeKind.DECIDED, "MaxDurationReached"),
        (scenarios.another_writer, NoticeKind.WEIGHTS_CONTESTED, "WeightsContested"),
        (scenarios.missing_data, NoticeKind.METRICS_UNAVAILABLE, "NoData"),
        (scenarios.an_arm_that_cannot_serve_and_then_none, NoticeKind.NO_ARM_AVAILABLE, "NoArmAvailable"),
        (scenarios.modes, NoticeKind.BY_HAND, "Paused"),
        (scenarios.an_arm_that_is_unwell, NoticeKind.GUARD_TRIPPED, "GuardTripped"),
    ],
)
def test_what_people_want_to_know_is_told_once(scenario: Scenario, kind: NoticeKind, reason: str) -> None:
    one = asyncio.run(scenario())
    assert [notice.reason for notice in one.notices if notice.kind is kind].count(reason) == 1
