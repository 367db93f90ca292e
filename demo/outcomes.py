"""What the traffic earned, beside what two other rules would have earned, from the values of report.json."""

from __future__ import annotations

from typing import Any

import numpy as np

from testbed.records import parse_time


def after_start(report: dict[str, Any], time: str) -> float:
    """Return a time as seconds since the first request."""
    began = next((step["time"] for step in report["steps"] if step["step"] == "start"), None)
    return parse_time(time) - parse_time(began or report["ticks"][0]["time"])


MIN_TRIALS = 30
"""A tick with fewer rewards, as the first and the last may be, says too little to be compared."""


class Outcomes:
    """Rewards of the ticks that had enough of them.

    The two other rules are given by balanced accuracies that were measured on the whole stream: that of
    each model, and of the arm that validated best with the skew, which holds until it was redeployed.
    """

    def __init__(self, report: dict[str, Any]) -> None:
        ticks = [tick for tick in report["ticks"] if sum(tick["trials"].values()) >= MIN_TRIALS]
        self.times = np.array([_middle(report, tick) for tick in ticks])
        """Middle of each window, in seconds since the first request."""
        self.trials = np.array([sum(tick["trials"].values()) for tick in ticks])
        """Rewards of each tick."""
        self.means = np.array([sum(tick["rewards"].values()) for tick in ticks]) / self.trials
        """Mean reward of each tick."""
        best, arms = report["skew"]["arm"], report["arms"]
        fixed_time = next((step["time"] for step in report["steps"] if step["step"] == "restored"), None)
        fixed_at = float("inf") if fixed_time is None else after_start(report, fixed_time)
        self.fixed = np.where(self.times < fixed_at, arms[best]["skewed"], arms[best]["production"])
        """Expected reward of the arm that validated best, at each tick."""
        others = max(scores["production"] for arm, scores in arms.items() if arm != best)
        self.oracle = np.maximum(self.fixed, others)
        """Expected reward of the arm that is best at the time, at each tick."""

    @property
    def gained(self) -> float:
        """Rewards earned beyond those that the best validated arm would be expected to earn."""
        return float((self.trials * (self.means - self.fixed)).sum())

    @property
    def lost(self) -> float:
        """Rewards that the oracle would be expected to earn beyond those earned: the regret."""
        return float((self.trials * (self.oracle - self.means)).sum())


def _middle(report: dict[str, Any], tick: dict[str, Any]) -> float:
    window = tick["window"]
    return (after_start(report, window["start"]) + after_start(report, window["end"])) / 2
