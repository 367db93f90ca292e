"""Signals end the operator in order, and at once where somebody insists."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from bandit_operator.runtime.ending import SAME_SECONDS, Ending


@pytest.fixture
def codes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """With which the process was ended at once."""
    found: list[int] = []
    monkeypatch.setattr(os, "_exit", found.append)
    return found


def test_a_second_signal_ends_an_operator_that_is_still_ending_at_once(codes: list[int]) -> None:
    now = 100.0
    stop = asyncio.Event()
    ending = Ending(stop, lambda: now)
    ending.signalled(signal.SIGINT)
    ending.signalled(signal.SIGINT)
    assert (stop.is_set(), codes) == (True, []), "two senders of one signal are not somebody who insists"
    now += 2 * SAME_SECONDS
    ending.signalled(signal.SIGINT)
    assert codes == [130]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_asks_the_operator_to_end(number: signal.Signals, codes: list[int]) -> None:
    stop = asyncio.Event()
    Ending(stop, asyncio.get_running_loop().time).take_signals()
    try:
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stop.wait(), 10)
    finally:
        for taken in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(taken)
    assert codes == []
