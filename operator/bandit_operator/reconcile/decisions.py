"""Decisions that passes need in one moment, made together."""

from __future__ import annotations

import asyncio

from bandit_operator.core.decide import Case, decide_all
from bandit_operator.core.decision import Decision


class Decisions:
    """Makes the decisions of passes that come to theirs in the same turn of the event loop.

    Those whose rewards came in one answer do. What goes wrong with one of them is for its pass alone.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Case, asyncio.Future[Decision]]] = []

    async def decide(self, case: Case) -> Decision:
        """Make a decision, together with others.

        Raises:
            Exception: whatever making this one by itself raises.
        """
        loop = asyncio.get_running_loop()
        decision: asyncio.Future[Decision] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._make)
        self._waiting.append((case, decision))
        return await decision

    def _make(self) -> None:
        waiting = [(case, decision) for case, decision in self._waiting if not decision.done()]
        self._waiting.clear()
        try:
            made = decide_all([case for case, _ in waiting])
        except Exception:  # it may be about any one of them: whose it is shows when each is made alone
            for case, decision in waiting:
                _make_alone(case, decision)
            return
        for (_, decision), one in zip(waiting, made, strict=True):
            decision.set_result(one)


def _make_alone(case: Case, decision: asyncio.Future[Decision]) -> None:
    try:
        (made,) = decide_all([case])
    except Exception as error:  # it is raised where this decision is waited for
        decision.set_exception(error)
    else:
        decision.set_result(made)
