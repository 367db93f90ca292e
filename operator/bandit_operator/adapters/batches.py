"""Queries of several resources that are made in one moment, asked by one request.

They share a request where they are for the same time and of the same address, which decides who may be asked
and what identifies the operator there. A request that fails says nothing of anybody in it: it is split, until
each query has an answer of its own. Attempts together take a quarter of the deadline at most; after that
each query is asked alone, with a whole deadline. What a failure teaches is remembered for a while: a query
that was to blame, because others got an answer, is asked alone, and where none was, fewer are asked
together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cachetools import TLRUCache

from bandit_operator.adapters import joined
from bandit_operator.adapters.access import shown
from bandit_operator.adapters.answers import Busy, samples_in
from bandit_operator.core import reasons
from bandit_operator.core.model import SourceDown
from bandit_operator.sources import Sample

TOGETHER_PART = 0.25
"""Part of the deadline that is spent on asking for several resources at once."""
REMEMBERED_SECONDS = 300.0
"""How long what a failure taught is kept."""
SLOW_REMEMBERED_SECONDS = 60.0
"""How long it is kept that something took too long: a server that has caught up is as quick as before."""
MOST_REMEMBERED = 1024
"""Resources, and addresses, of which it is."""

Answer = TypeVar("Answer")


class Ask(Protocol):
    """Asks an address once."""

    async def __call__(
        self,
        address: str,
        promql: str,
        at: float,
        read: Callable[[bytes, str], Answer],
        most: float | None,
    ) -> Answer | SourceDown:
        """What a body is read into; ``most`` is how long an attempt may take that is not the last one."""
        ...


@dataclass(frozen=True, slots=True)
class _Taught:
    """What a failure taught: how many queries at once will do."""

    together: int
    slow: bool
    """Whether it took too long, which does not last."""


@dataclass(slots=True, eq=False)
class _Asked:
    """A query that waits for its answer together with others."""

    promql: str
    about: str
    answer: asyncio.Future[list[Sample] | SourceDown]
    answered: bool = False
    """Whether its server gave an answer to it."""
    slow: bool = False
    """Whether that took longer than what is asked together may take."""

    @property
    def waits(self) -> bool:
        """Whether somebody still waits for it."""
        return not self.answer.done()

    def give(self, answer: list[Sample] | SourceDown) -> None:
        """Answer it, unless nobody waits any more."""
        self.answered = not isinstance(answer, SourceDown)
        if self.waits:
            self.answer.set_result(answer)


class Batches:
    """Who asks together, at any number of addresses.

    Args:
        ask: asks once.
        deadline: longest wait for an answer to one request, seconds.
        monotonic: a clock that never jumps, seconds.
    """

    def __init__(self, ask: Ask, deadline: float, monotonic: Callable[[], float]) -> None:
        self._ask = ask
        self._together_seconds = TOGETHER_PART * deadline
        self._monotonic = monotonic
        self._waiting: dict[tuple[str, float], list[_Asked]] = {}
        self._alone: TLRUCache[tuple[str, str], _Taught] = TLRUCache(MOST_REMEMBERED, _until, monotonic)
        self._fewer: TLRUCache[str, _Taught] = TLRUCache(MOST_REMEMBERED, _until, monotonic)
        self._tasks: set[asyncio.Task[None]] = set()

    def takes(self, address: str, promql: str, about: str) -> bool:
        """Whether a query may be asked together with others now."""
        return (address, about) not in self._alone and joined.is_closed(promql)

    async def query(self, address: str, promql: str, at: float, about: str) -> list[Sample] | SourceDown:
        """Evaluate a query that may be joined, together with those that are made in this moment."""
        loop = asyncio.get_running_loop()
        asked = _Asked(promql, about, loop.create_future())
        waiting = self._waiting.setdefault((address, at), [])
        waiting.append(asked)
        if len(waiting) == 1:
            loop.call_soon(self._send, address, at)
        return await asked.answer

    def _most(self, address: str) -> int:
        """How many queries an address is asked at once."""
        try:
            return self._fewer[address].together
        except KeyError:
            return joined.MOST_QUERIES

    def close(self) -> None:
        """Wait for no answer any more."""
        for task in self._tasks:
            task.cancel()

    def _send(self, address: str, at: float) -> None:
        """Ask all that was offered in this moment and is still waited for."""
        waiting = [one for one in self._waiting.pop((address, at)) if one.waits]
        most = self._most(address)
        while waiting:
            number, characters = 1, len(waiting[0].promql)
            while number < min(len(waiting), most):
                characters += len(waiting[number].promql)
                if characters > joined.MOST_CHARACTERS:
                    break
                number += 1
            batch, waiting = waiting[:number], waiting[number:]
            task = asyncio.create_task(self._answer(address, at, batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, address: str, at: float, batch: list[_Asked]) -> None:
        """Answer everybody in a batch, whatever happens, and remember who was to blame."""
        try:
            blamed = await self._asked(address, at, batch, self._monotonic() + self._together_seconds)
            if len(batch) > 1 and any(one.answered for one in batch):
                for one in blamed:
                    self._alone[address, one.about] = _Taught(1, one.slow)
        finally:
            for one in batch:
                one.answer.cancel()

    async def _asked(self, address: str, at: float, batch: Sequence[_Asked], until: float) -> list[_Asked]:
        """Ask a batch by one query, and by its parts where that fails; gives those that are better alone."""
        batch = [one for one in batch if one.waits]
        if len(batch) <= 1:
            return [one for one in batch if not await self._asked_alone(address, at, one)]
        left = until - self._monotonic()
        failure = await self._asked_together(address, at, batch, left) if left > 0 else None
        if isinstance(failure, list):
            return failure
        # What is not about a query is not looked for by halves, which would take up to twice the requests.
        by_halves = (
            failure is not None and failure.reason == reasons.BAD_ANSWER and not isinstance(failure, Busy)
        )
        middle = len(batch) // 2
        parts = [batch[:middle], batch[middle:]] if by_halves else [[one] for one in batch]
        found = await asyncio.gather(*(self._asked(address, at, part, until) for part in parts))
        blamed = [one for part in found for one in part]
        if blamed or failure is None:
            return blamed
        # Each part was answered, the whole was not: it is too much, or one that was alone cannot be joined.
        suspects = [part[0] for part in parts if len(part) == 1] if by_halves else []
        if not suspects:
            most = self._most(address)
            fewer = max(1, min(most, len(batch) // 2))
            self._fewer[address] = _Taught(fewer, failure.reason == reasons.TIMEOUT)
        return suspects

    async def _asked_alone(self, address: str, at: float, one: _Asked) -> bool:
        """Answer one query by its own request; whether there was an answer, and soon."""
        begun = self._monotonic()
        try:
            one.give(await self._ask(address, one.promql, at, samples_in, None))
        except Exception as error:  # whatever it is, it is for who waits for this one, and for no other
            if one.waits:
                one.answer.set_exception(error)
        one.slow = self._monotonic() - begun > self._together_seconds
        return one.answered and not one.slow

    async def _asked_together(
        self, address: str, at: float, batch: Sequence[_Asked], most: float
    ) -> list[_Asked] | SourceDown:
        """Answer a batch by one request, and give those with long answers; else why it could not be."""

        def apart(body: bytes, address: str) -> list[list[Sample]] | SourceDown:
            samples = samples_in(body, address)
            if isinstance(samples, SourceDown):
                return samples
            try:
                return joined.taken_apart(samples, len(batch))
            except ValueError as error:
                return SourceDown(reasons.BAD_ANSWER, f"of the answer of {shown(address)}, {error}")

        promql = joined.joined([one.promql for one in batch])
        try:
            answers = await self._ask(address, promql, at, apart, most)
        except Exception:  # raised again for the one whose query it is, once that is asked alone
            return SourceDown(reasons.BAD_ANSWER, "it could not be read")
        if isinstance(answers, SourceDown):
            return answers
        for one, samples in zip(batch, answers, strict=True):
            one.give(samples)
        return [
            one
            for one, samples in zip(batch, answers, strict=True)
            if len(samples) > joined.MOST_ELEMENTS_EACH
        ]


def _until(_: object, taught: _Taught, now: float) -> float:
    return now + (SLOW_REMEMBERED_SECONDS if taught.slow else REMEMBERED_SECONDS)
