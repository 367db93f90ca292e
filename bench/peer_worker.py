"""Plays the stationary problems with a public library; runs inside that library's own environment.

Usage: peer_worker.py LIBRARY FIRST_SEED SEEDS. The first tick is split evenly for all, as the
operator does it, and feedback comes at the end of each tick of 100 requests.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

PROBLEMS = {"A2": [0.9, 0.8], "B10": [0.1] + [0.05] * 3 + [0.02] * 3 + [0.01] * 3, "C10": [0.5] + [0.4] * 9}
TICKS, REQUESTS = 100, 100
POLICIES = {"mabwiser": ["TS", "UCB1(.25)"], "river": ["TS"]}


def mabwiser(
    policy: str, arms: list[int], seed: int
) -> tuple[Callable[[int], list[int]], Callable[..., None]]:
    """Return choose(n) and learn(arms, rewards) of MABWiser."""
    from mabwiser.mab import MAB, LearningPolicy  # type: ignore[import-not-found]  # in its own environment

    rule = LearningPolicy.ThompsonSampling() if policy == "TS" else LearningPolicy.UCB1(alpha=0.25)
    bandit, fitted = MAB(arms, rule, seed=seed), False

    def choose(count: int) -> list[int]:
        return [bandit.predict() for _ in range(count)]

    def learn(chosen: Any, rewards: Any) -> None:
        nonlocal fitted
        (bandit.partial_fit if fitted else bandit.fit)(chosen, rewards)
        fitted = True

    return choose, learn


def river(policy: str, arms: list[int], seed: int) -> tuple[Callable[[int], list[int]], Callable[..., None]]:  # noqa: ARG001 - one policy
    """Return choose(n) and learn(arms, rewards) of river."""
    from river import bandit, proba  # type: ignore[import-not-found]  # in its own environment

    rule = bandit.ThompsonSampling(reward_obj=proba.Beta(), seed=seed)

    def choose(count: int) -> list[int]:
        return [rule.pull(arms) for _ in range(count)]

    def learn(chosen: Any, rewards: Any) -> None:
        for arm, reward in zip(chosen, rewards, strict=True):
            rule.update(int(arm), int(reward))

    return choose, learn


LIBRARIES = {"mabwiser": mabwiser, "river": river}


def play(library: str, policy: str, rates: list[float], seed: int) -> float:
    """Regret of one seed."""
    rng, arms = np.random.default_rng([1, 1000 + seed]), list(range(len(rates)))
    gaps, regret = max(rates) - np.array(rates), 0.0
    choose, learn = LIBRARIES[library](policy, arms, seed)
    for tick in range(TICKS):
        chosen = np.array(choose(REQUESTS) if tick else rng.integers(0, len(arms), REQUESTS))
        learn(chosen, (rng.random(REQUESTS) < np.array(rates)[chosen]).astype(int))
        regret += gaps[chosen].sum()
    return float(regret)


def main() -> None:
    """Play and print the answer as JSON."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    library, first, seeds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    print(
        json.dumps(
            {
                f"{library} {policy}": {
                    problem: [play(library, policy, rates, seed) for seed in range(first, first + seeds)]
                    for problem, rates in PROBLEMS.items()
                }
                for policy in POLICIES[library]
            }
        )
    )


if __name__ == "__main__":
    main()
