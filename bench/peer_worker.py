"""The stationary problems, and a public library that plays them inside its own environment.

Usage: peer_worker.py LIBRARY FIRST_SEED SEEDS. The first tick is split evenly for all, as the
operator does it, and feedback comes at the end of each tick of 100 requests. A seed is the same
stream of requests for every player. Only numpy is imported here: it is what all environments have.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

PROBLEMS = {"A2": [0.9, 0.8], "B10": [0.1] + [0.05] * 3 + [0.02] * 3 + [0.01] * 3, "C10": [0.5] + [0.4] * 9}
TICKS, REQUESTS = 100, 100
POLICIES = {
    "mabwiser": ["TS", "UCB1(.25)"],
    "pybandits": ["TS"],
    "river": ["TS"],
    "smpybandits": ["klUCB", "klUCB+"],
}
Player = tuple[Callable[[int], list[int]], Callable[..., None]]
"""choose(n) names the arms of the next n requests; learn(arms, rewards) takes a tick's feedback."""


def stream(seed: int) -> np.ndarray:
    """Requests of one seed ``[ticks, requests, 2]``, uniform in [0, 1).

    The first number chooses among arms where a player randomises by shares; a request that an
    arm of rate p serves is rewarded where the second is below p.
    """
    return np.random.default_rng([1, seed]).random((TICKS, REQUESTS, 2))


def mabwiser(policy: str, arms: list[int], seed: int) -> Player:
    """Policies of MABWiser."""
    from mabwiser.mab import MAB, LearningPolicy

    rule = LearningPolicy.ThompsonSampling() if policy == "TS" else LearningPolicy.UCB1(alpha=0.25)
    bandit, fitted = MAB(arms, rule, seed=seed), False

    def choose(count: int) -> list[int]:
        return [bandit.predict() for _ in range(count)]

    def learn(chosen: Any, rewards: Any) -> None:
        nonlocal fitted
        (bandit.partial_fit if fitted else bandit.fit)(chosen, rewards)
        fitted = True

    return choose, learn


def pybandits(policy: str, arms: list[int], seed: int) -> Player:  # noqa: ARG001 - one policy
    """Thompson sampling of PyBandits, which draws from numpy's global generator."""
    from pybandits.model import Beta  # type: ignore[import-not-found]  # in its own environment
    from pybandits.smab import SmabBernoulli  # type: ignore[import-not-found]  # in its own environment

    np.random.seed(seed)
    bandit = SmabBernoulli(actions={str(arm): Beta() for arm in arms})

    def choose(count: int) -> list[int]:
        return [int(arm) for arm in bandit.predict(n_samples=count)[0]]

    def learn(chosen: Any, rewards: Any) -> None:
        bandit.update(actions=[str(arm) for arm in chosen], rewards=[int(one) for one in rewards])

    return choose, learn


def river(policy: str, arms: list[int], seed: int) -> Player:  # noqa: ARG001 - one policy
    """Thompson sampling of river."""
    from river import bandit, proba

    rule = bandit.ThompsonSampling(reward_obj=proba.Beta(), seed=seed)

    def choose(count: int) -> list[int]:
        return [rule.pull(arms) for _ in range(count)]

    def learn(chosen: Any, rewards: Any) -> None:
        for arm, reward in zip(chosen, rewards, strict=True):
            rule.update(int(arm), int(reward))

    return choose, learn


def smpybandits(policy: str, arms: list[int], seed: int) -> Player:
    """Upper confidence bounds of SMPyBandits; ties are broken by numpy's global generator."""
    from SMPyBandits import Policies  # type: ignore[import-not-found]  # in its own environment

    np.random.seed(seed)
    rule = (Policies.klUCB if policy == "klUCB" else Policies.klUCBPlus)(len(arms))
    rule.startGame()

    def choose(count: int) -> list[int]:
        # The index does not move without feedback, so one choice stands for the whole tick.
        return [int(rule.choice())] * count

    def learn(chosen: Any, rewards: Any) -> None:
        for arm, reward in zip(chosen, rewards, strict=True):
            rule.getReward(int(arm), float(reward))

    return choose, learn


LIBRARIES = {"mabwiser": mabwiser, "pybandits": pybandits, "river": river, "smpybandits": smpybandits}


def play(library: str, policy: str, rates: list[float], seed: int) -> float:
    """Regret of one seed."""
    requests, arms = stream(seed), list(range(len(rates)))
    gaps, regret = max(rates) - np.array(rates), 0.0
    choose, learn = LIBRARIES[library](policy, arms, seed)
    for tick in range(TICKS):
        evenly = (requests[tick, :, 0] * len(arms)).astype(int)
        chosen = np.array(choose(REQUESTS)) if tick else evenly
        learn(chosen, (requests[tick, :, 1] < np.array(rates)[chosen]).astype(int))
        regret += gaps[chosen].sum()
    return float(regret)


def main() -> None:
    """Play and print the answer as JSON."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    library, first, seeds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    # Some libraries greet on standard output, which is for the answer.
    with contextlib.redirect_stdout(sys.stderr):
        answer = {
            f"{library} {policy}": {
                problem: [play(library, policy, rates, seed) for seed in range(first, first + seeds)]
                for problem, rates in PROBLEMS.items()
            }
            for policy in POLICIES[library]
        }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
