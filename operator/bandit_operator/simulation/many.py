"""Plays many seeds in chunks, in several processes where that is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

import numpy as np

from bandit_operator.core.strategies import Strategy
from bandit_operator.simulation.play import Played, play
from bandit_operator.simulation.world import World

CHUNK = 50
"""Seeds that are played together: enough for numpy to be worth while, few enough to show progress."""


def chunks(world: World, strategy: Strategy, seeds: int, jobs: int, seed: int = 0) -> Iterator[Played]:
    """Yield the parts as they are done, in their own order; the same for any number of jobs.

    Args:
        world: what happens.
        strategy: what chooses the weights.
        seeds: how many in all.
        jobs: processes.
        seed: of the randomness; another one gives other streams.
    """
    sizes = [min(CHUNK, seeds - start) for start in range(0, seeds, CHUNK)]
    if jobs <= 1 or len(sizes) == 1:
        for number, size in enumerate(sizes):
            yield _part(world, strategy, size, seed, number)
        return
    # Started afresh, because threads of a numerical library do not survive a fork.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(_part, world, strategy, size, seed, i): i for i, size in enumerate(sizes)}
        done: dict[int, Played] = {}
        following = 0
        for future in as_completed(waiting):
            done[waiting[future]] = future.result()
            while following in done:
                yield done.pop(following)
                following += 1


def _part(world: World, strategy: Strategy, seeds: int, seed: int, number: int) -> Played:
    return play(world, strategy, seeds, np.random.default_rng([seed, number]))
