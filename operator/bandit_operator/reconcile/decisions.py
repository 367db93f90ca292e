"""What passes learn and decide in one moment, computed together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from bandit_operator.core.batch import Steps, run_together
from bandit_operator.core.decide import Case, deciding
from bandit_operator.core.decision import Decision
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.learn import learning
from bandit_operator.core.memory import Memory
from bandit_operator.core.model import ArmStanding, Window

Result = TypeVar("Result")


class Decisions:
    """Learns and decides for passes that come to it in the same turn of the event loop.

    Those whose rewards came in one answer do. What goes wrong with one of them is for its pass alone.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Callable[[], Steps[Any]], asyncio.Future[Any]]] = []

    async def decide(self, case: Case) -> Decision:
        """Make a decision, together with others.

        Raises:
            Exception: whatever making this one by itself raises.
        """
        return await self._result(lambda: deciding(case))

    async def learn(
        self, experiment: Experiment, memory: Memory, standings: Mapping[str, ArmStanding], missed: Window
    ) -> Memory:
        """Learn from a window that was missed, about which nothing is decided any more.

        Args:
            experiment: the settings.
            memory: what was learned before.
            standings: how the arms stand; since when one carries no weight is all that is known of it then.
            missed: what the source had.

        Raises:
            Exception: whatever learning this by itself raises.
        """
        learned, _ = await self._result(
            lambda: learning(experiment, memory, standings, missed, idle=standings)
        )
        return learned

    async def _result(self, begin: Callable[[], Steps[Result]]) -> Result:
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Result] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._make)
        self._waiting.append((begin, result))
        return await result

    def _make(self) -> None:
        waiting = [(begin, result) for begin, result in self._waiting if not result.done()]
        self._waiting.clear()
        try:
            made = run_together([begin() for begin, _ in waiting])
        except Exception:  # it may be about any one of them: whose it is shows when each is made alone
            for begin, result in waiting:
                _make_alone(begin, result)
            return
        for (_, result), one in zip(waiting, made, strict=True):
            result.set_result(one)


def _make_alone(begin: Callable[[], Steps[Result]], result: asyncio.Future[Result]) -> None:
    try:
        (made,) = run_together([begin()])
    except Exception as error:  # it is raised where this one is waited for
        result.set_exception(error)
    else:
        result.set_result(made)
