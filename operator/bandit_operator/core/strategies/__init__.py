"""The strategies by their name in the API, one file each, in alphabetical order.

A new strategy is one file here and one line in this list; CONTRIBUTING.md has the tests and the example that
go with it.
"""

from __future__ import annotations

from bandit_operator.core.strategies.ab_test import ABTest
from bandit_operator.core.strategies.base import Scored, Situation, Strategy, Tick, setting, settings_of
from bandit_operator.core.strategies.contrast_thompson import ContrastThompson
from bandit_operator.core.strategies.epsilon_greedy import EpsilonGreedy
from bandit_operator.core.strategies.kl_ucb import KLUCB
from bandit_operator.core.strategies.naive import Naive
from bandit_operator.core.strategies.thompson import Thompson
from bandit_operator.core.strategies.top_two import TopTwo
from bandit_operator.core.strategies.ucb1 import UCB1
from bandit_operator.core.strategies.validation import Validation, standard_error
from bandit_operator.core.strategies.validation_best import ValidationBest

STRATEGIES: dict[str, type[Strategy]] = {
    "ABTest": ABTest,
    "ContrastThompson": ContrastThompson,
    "EpsilonGreedy": EpsilonGreedy,
    "KLUCB": KLUCB,
    "Naive": Naive,
    "Thompson": Thompson,
    "TopTwo": TopTwo,
    "UCB1": UCB1,
    "ValidationBest": ValidationBest,
}

DEFAULT_STRATEGY = "ContrastThompson"
"""What a user gets who names none: the safest where nothing is known of the world (docs/adr/0010)."""

__all__ = [
    "DEFAULT_STRATEGY",
    "STRATEGIES",
    "Scored",
    "Situation",
    "Strategy",
    "Tick",
    "Validation",
    "setting",
    "settings_of",
    "standard_error",
]
