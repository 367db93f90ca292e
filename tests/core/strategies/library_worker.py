"""What a public library does with given counts, inside its own environment.

Usage: library_worker.py LIBRARY < QUESTIONS; prints the answers, both as JSON. A question is
``{"policy", "setting", "counts": [[trials, mean], …], "draws"}``, and its answer one number for each
arm: its index for MABWiser's UCB1, or else how often it was chosen in that many draws.
Rewards are 0 and 1, or all equal to the mean for indices, which have no need of them.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from typing import Any

SEED = 7


def rewards(trials: int, mean: float) -> list[int]:
    """Return as many 0 and 1 as there were trials."""
    ones = round(trials * mean)
    return [1] * ones + [0] * (trials - ones)


def mabwiser(policy: str, setting: float, counts: list[tuple[int, float]], draws: int) -> list[float]:
    from mabwiser.mab import MAB, LearningPolicy

    rules = {
        "EpsilonGreedy": lambda: LearningPolicy.EpsilonGreedy(epsilon=setting),
        "Thompson": LearningPolicy.ThompsonSampling,
        "UCB1": lambda: LearningPolicy.UCB1(alpha=setting),
    }
    arms = list(range(len(counts)))
    bandit = MAB(arms, rules[policy](), seed=SEED)
    decisions = [arm for arm, (trials, _) in enumerate(counts) for _ in range(trials)]
    if policy == "UCB1":
        bandit.fit(decisions, [counts[arm][1] for arm in decisions])
        return [float(bandit.predict_expectations()[arm]) for arm in arms]
    bandit.fit(decisions, [reward for trials, mean in counts for reward in rewards(trials, mean)])
    chosen = Counter(bandit.predict() for _ in range(draws))
    return [chosen[arm] for arm in arms]


def river(policy: str, setting: float, counts: list[tuple[int, float]], draws: int) -> list[float]:
    from river import bandit, proba

    rules = {
        "EpsilonGreedy": lambda: bandit.EpsilonGreedy(epsilon=setting, seed=SEED),
        "Thompson": lambda: bandit.ThompsonSampling(reward_obj=proba.Beta(), seed=SEED),
        "UCB1": lambda: bandit.UCB(delta=setting, seed=SEED),
    }
    rule, arms = rules[policy](), list(range(len(counts)))
    for arm, (trials, mean) in enumerate(counts):
        for reward in rewards(trials, mean):
            rule.update(arm, reward)
    chosen = Counter(rule.pull(arms) for _ in range(draws))
    return [chosen[arm] for arm in arms]


def main() -> None:
    """Answer all questions."""
    logging.disable(logging.CRITICAL)
    libraries: dict[str, Any] = {"mabwiser": mabwiser, "river": river}
    questions = json.load(sys.stdin)
    json.dump([libraries[sys.argv[1]](**one) for one in questions], sys.stdout)


if __name__ == "__main__":
    main()
