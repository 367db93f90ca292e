"""Seven worlds of which most move: four arms, 2,000 ticks of 100 requests, regret per 1,000 requests."""

from __future__ import annotations

import numpy as np

from bandit_operator.core.inference import posterior
from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.strategies import STRATEGIES, Strategy
from bandit_operator.core.strategies.thompson import Thompson
from bench.strategy_only import StrategyOnly, floored
from bench.task import Row, Task, mean_ci, row, spread

TICKS, REQUESTS, FLOOR, WINDOW = 2_000, 100, 0.01, 100
RATES = np.array([0.30, 0.27, 0.25, 0.20])
WORLDS = [
    "stationary",
    "abrupt changes",
    "best breaks",
    "worst improves",
    "slow drift",
    "day cycle",
    "cycle, break",
]
OURS = "ContrastThompson"
RIVALS = ["Thompson", "Thompson, half-life 69 ticks", "Thompson, window of 100 ticks"]


def world(name: str, seeds: int, rng: np.random.Generator) -> Floats:
    """Rates ``[S, T, K]`` of a world; only the slow drift differs from seed to seed."""
    ticks = np.arange(TICKS)
    rates = np.tile(RATES, (TICKS, 1))
    if name == "abrupt changes":
        for start, values in (
            (0, [0.30, 0.25, 0.20, 0.20]),
            (400, [0.20, 0.30, 0.25, 0.20]),
            (900, [0.20, 0.22, 0.32, 0.20]),
            (1300, [0.20, 0.22, 0.27, 0.32]),
            (1700, [0.33, 0.22, 0.27, 0.25]),
        ):
            rates[start:] = values
    if name == "best breaks":
        rates[1000:1500, 0] = 0.15
    if name == "worst improves":
        rates[1000:, 3] = 0.36
    if name in ("day cycle", "cycle, break"):
        rates += 0.12 * np.sin(2 * np.pi * ticks / 960)[:, None]
    if name == "cycle, break":
        rates[1000:1500, 0] -= 0.12
    if name != "slow drift":
        return np.broadcast_to(rates, (seeds, *rates.shape))
    level = np.log(0.25 / 0.75)
    logits = np.empty((seeds, TICKS, 4))
    logits[:, 0] = 0.15 * rng.standard_normal((seeds, 4))
    for tick in range(1, TICKS):
        logits[:, tick] = 0.998 * logits[:, tick - 1] + 0.015 * rng.standard_normal((seeds, 4))
    return np.asarray(1 / (1 + np.exp(-level - logits)))


class Windowed:
    """Thompson on the last 100 ticks only, as a yardstick."""

    def __init__(self, arms: int, seeds: int) -> None:
        self._kept: list[Floats] = []
        self._sums = np.zeros((seeds, 2, arms))

    def learn(self, trials: Floats, rewards: Floats) -> None:
        """Take in one tick and drop the oldest."""
        self._kept.append(np.stack([trials, rewards], axis=-2))
        self._sums = self._sums + self._kept[-1]
        if len(self._kept) > WINDOW:
            self._sums = self._sums - self._kept.pop(0)

    def shares(self, labels: float) -> Floats:  # noqa: ARG002 - as the strategies have it
        """P(best) within the window."""
        rewards = self._sums[:, 1]
        return posterior.beta_best(rewards, self._sums[:, 0] - rewards, np.ones(rewards.shape, dtype=bool))


def _player(strategy: str, seeds: int) -> StrategyOnly | Windowed:
    if strategy == RIVALS[2]:
        return Windowed(4, seeds)
    chosen: Strategy = STRATEGIES[strategy.split(",")[0]]()
    if strategy == RIVALS[1]:
        chosen = Thompson(half_life=69 * 30.0)
    return StrategyOnly(chosen, 4, seeds)


def play(strategy: str, name: str, seeds: int, seed: int) -> np.ndarray:
    """Regret per 1,000 requests ``[S]``."""
    rng = np.random.default_rng([2, seed])
    rates = world(name, seeds, rng)
    player, shares, regret = _player(strategy, seeds), np.full((seeds, 4), 0.25), np.zeros(seeds)
    for tick in range(TICKS):
        trials = rng.multinomial(REQUESTS, floored(shares, FLOOR))
        rewards = rng.binomial(trials, rates[:, tick])
        regret += (trials * (rates[:, tick].max(-1, keepdims=True) - rates[:, tick])).sum(-1)
        player.learn(trials.astype(float), rewards.astype(float))
        shares = player.shares(REQUESTS)
    return regret / (TICKS * REQUESTS) * 1000


def tasks(seeds: int, rival_seeds: int) -> list[Task]:
    """Ours with all seeds, the yardsticks with fewer."""
    result = []
    for name in WORLDS:
        result += spread(f"drift/{OURS}/{name}", play, seeds, 100, strategy=OURS, name=name)
        for rival in RIVALS:
            result += spread(f"drift/{rival}/{name}", play, rival_seeds, 50, strategy=rival, name=name)
    return result


def rows(figures: dict[str, np.ndarray]) -> list[Row]:
    """Return the mean over the worlds, the worst ratio to the best strategy of a world, and each world."""
    result: list[Row] = []
    ours = {name: figures[f"drift/{OURS}/{name}"] for name in WORLDS}
    rivals = {rival: {name: figures[f"drift/{rival}/{name}"].mean() for name in WORLDS} for rival in RIVALS}
    means = {rival: float(np.mean(list(values.values()))) for rival, values in rivals.items()}
    best_rival = min(means, key=means.__getitem__)
    error = np.sqrt(sum(values.var(ddof=1) / len(values) for values in ours.values())) / len(WORLDS)
    mean = float(np.mean([values.mean() for values in ours.values()]))
    ratios = {
        name: ours[name].mean() / min(ours[name].mean(), *(values[name] for values in rivals.values()))
        for name in WORLDS
    }
    worst = max(ratios, key=ratios.__getitem__)
    rival_worst = max(
        rivals[best_rival][name] / min(ours[name].mean(), *(values[name] for values in rivals.values()))
        for name in WORLDS
    )
    relative = 1.96 * ours[worst].std(ddof=1) / len(ours[worst]) ** 0.5 / ours[worst].mean()
    spread_ = [ratios[worst] * (1 - relative), ratios[worst] * (1 + relative)]
    ci = [mean - 1.96 * error, mean + 1.96 * error]
    title = f"{OURS} in seven drift worlds"
    for goal, kind in ((6.6, ""), (6.0, ", stretch")):
        name = f"{title}: mean regret per 1,000{kind}"
        result.append(row(name, goal, (mean, ci), means[best_rival], best_rival))
    for goal, kind in ((2.0, ""), (1.8, ", stretch")):
        name = f"{title}: worst ratio, in {worst}{kind}"
        result.append(row(name, goal, (float(ratios[worst]), spread_), float(rival_worst), best_rival))
    for name in WORLDS:
        peer = min(rivals, key=lambda rival: rivals[rival][name])
        bound = 1.5 * float(rivals["Thompson"][name]) if name in ("stationary", "day cycle") else None
        title = f"{OURS} regret per 1,000: {name}"
        result.append(row(title, bound, mean_ci(ours[name]), float(rivals[peer][name]), peer))
    return result
