"""Plays many seeds in chunks, in several processes where that is wanted."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from typing import Any

import numpy as np

from bandit_operator.core.strategies import Strategy
from bandit_operator.simulation.play import Played, play
from bandit_operator.simulation.schedule import WorldError
from bandit_operator.simulation.world import World

CHUNK = 50
"""Seeds that are played together: enough for numpy to be worth while, few enough to show progress."""


LOOK_SECONDS = 0.5
"""How often the other processes are asked how far they are."""
TOLD_TICKS = 50
"""Ticks after which a process says how far it is: rarely enough to cost nothing."""

MOST_PLAYED = 250_000_000
"""Most ticks times seeds that are played: what is kept of them takes 2 GB."""
GLANCE = 16
"""The first part is looked at after one in so many of its ticks."""
Glance = Callable[[Played], None]


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the processes that play share with the one that has started them."""

    played: Synchronized[int]
    """Ticks times seeds, which all of them count."""
    seen: SimpleQueue[Played]
    """Where what the first part has come to early goes."""
    given_up: Event
    """Set where nobody waits for the rest any more."""


_shared: _Shared | None = None
"""In a process that plays."""


def chunks(
    world: World,
    strategy: Strategy,
    seeds: int,
    jobs: int,
    seed: int = 0,
    progress: Callable[[int], None] = lambda _count: None,
    glance: Glance | None = None,
) -> Iterator[Played]:
    """Yield the parts as they are done, in their own order; the same for any number of jobs.

    Args:
        world: what happens.
        strategy: what chooses the weights.
        seeds: how many in all.
        jobs: processes.
        seed: of the randomness; another one gives other streams.
        progress: called now and then with the ticks that were played since, each as often as there are seeds:
            in all ``world.ticks`` times ``seeds``.
        glance: called with what the first part has come to after :func:`glance_ticks`.
    """
    sizes = [min(CHUNK, seeds - start) for start in range(0, seeds, CHUNK)]
    if jobs <= 1 or len(sizes) == 1:
        for number, size in enumerate(sizes):
            yield _part(world, strategy, size, seed, number, progress, None if number else glance)
        return
    # Started afresh, because threads of a numerical library do not survive a fork.
    context = get_context("spawn")
    shared = _Shared(context.Value("Q", 0), context.SimpleQueue(), context.Event())
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_share, initargs=(shared,)) as pool:
        early = glance is not None
        waiting = {
            pool.submit(_counted, world, strategy, size, seed, i, early and not i): i
            for i, size in enumerate(sizes)
        }
        try:
            yield from _awaited(waiting, shared, progress, glance)
        finally:  # whoever has pressed Ctrl-C waits for nobody
            shared.given_up.set()
            for future in waiting:
                future.cancel()
            while wait(waiting, LOOK_SECONDS).not_done:
                if not shared.seen.empty():
                    shared.seen.get()  # or the process that brings it would never end


def _awaited(
    waiting: dict[Future[Played], int],
    shared: _Shared,
    progress: Callable[[int], None],
    glance: Glance | None,
) -> Iterator[Played]:
    """Yield the parts that other processes play, in their order."""
    done: dict[int, Played] = {}
    told = following = 0
    while waiting:
        finished, _ = wait(waiting, LOOK_SECONDS, FIRST_COMPLETED)
        now = shared.played.value
        progress(now - told)
        told = now
        while glance is not None and not shared.seen.empty():
            glance(shared.seen.get())
        for future in finished:
            done[waiting.pop(future)] = future.result()
        while following in done:
            yield done.pop(following)
            following += 1


def check_length(world: World, seeds: int) -> None:
    """Refuse what would fill the memory before it is done.

    Raises:
        WorldError: So many seeds of so long a world would.
    """
    most = MOST_PLAYED // world.ticks
    if seeds > most:
        fix = f"write at most {most:,} for {world.ticks:,} ticks, or play a shorter time"
        raise WorldError(world.name, "seeds", seeds, fix)


def glance_ticks(world: World) -> int:
    """After how many ticks of the world its first part is looked at."""
    return -(-world.ticks // GLANCE)


def _share(shared: _Shared) -> None:
    global _shared  # a process that plays gets it once, when it starts
    _shared = shared
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the first one ends the others


class _GivenUp(Exception):
    """Nobody waits for the rest."""


def _counted(world: World, strategy: Strategy, seeds: int, seed: int, number: int, early: bool) -> Played:
    """Play a part in another process, which counts where this one can see it."""
    shared = _shared
    assert shared is not None

    def add(count: int) -> None:
        if shared.given_up.is_set():
            raise _GivenUp
        with shared.played.get_lock():
            shared.played.value += count

    return _part(world, strategy, seeds, seed, number, add, shared.seen.put if early else None)


def _part(
    world: World,
    strategy: Strategy,
    seeds: int,
    seed: int,
    number: int,
    progress: Callable[[int], None],
    glance: Glance | None,
) -> Played:
    def watch(tick: int, *_: Any) -> None:
        if (tick + 1) % TOLD_TICKS == 0 or tick + 1 == world.ticks:
            progress((tick % TOLD_TICKS + 1) * seeds)

    early = None if glance is None else (glance_ticks(world), glance)
    return play(world, strategy, seeds, np.random.default_rng([seed, number]), watch, early)
