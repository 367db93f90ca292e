"""What of a decision is told in the log."""

from __future__ import annotations

import pytest
from structlog.testing import CapturingLogger

from bandit_operator.reconcile import reconciler
from tests.support.playing import WORSE, Start, learned, until


async def test_a_quiet_tick_is_logged_for_those_who_debug_alone(
    process: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await learned(process)
    weights, logger = one.weights(), CapturingLogger()
    monkeypatch.setattr(reconciler, "log", logger)
    await one.tick(3)
    one.earning = WORSE
    await until(one, lambda: one.weights() != weights)
    levels = [call.method_name for call in logger.calls if call.args == ("decision",)]
    assert levels[1:3] == ["debug", "debug"]
    assert levels[-1] == "info"
