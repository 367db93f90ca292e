"""Plays a strategy on a stream, with the operator's own decisions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import Arm, Guardrails, Promotion, PromotionAction, Shadow
from bandit_operator.core.strategies import DEFAULT_STRATEGY, STRATEGIES
from bandit_operator.simulation import operation
from bandit_study.data.table import Floats
from bandit_study.engine import shadow as scorer
from bandit_study.engine.draws import Draws
from bandit_study.engine.stream import Ints, Stream
from bandit_study.engine.traffic import Arms, Traffic

NEVER = -1
"""Stands for a chunk that never came."""
PROMOTES = frozenset({"ABTest"})
"""Strategies that hand all traffic to the arm found best: a fixed split that never ends is no test."""
SHADOWS = {"shadow-2": 0.02, "shadow-5": 0.05, "shadow-10": 0.1, "shadow-25": 0.25}
"""Ways with a shadow: the share of the requests that every arm scores. The strategy is the default."""
Watch = Callable[[int, Floats, Floats, Floats], None]


@dataclasses.dataclass(frozen=True)
class Path:
    """What came of S seeds under one strategy, or one baseline."""

    served: Arms
    """Shape (S, N), the arm that served each request."""
    rolled_back_at: Ints
    """Shape (S, K), chunk after which each arm was taken out, or −1."""
    promoted_at: Ints
    """Shape (S, K), chunk after which each arm was first found the best of all, or −1."""


def experiment(stream: Stream, way: str, chunk: int) -> Experiment:
    """Return what the operator would run in a chunk: the arms that are there, and their scores by then."""
    strategy = DEFAULT_STRATEGY if way in SHADOWS else way
    scores = [validation for since, validation in stream.validation if since <= chunk][-1]
    action = PromotionAction.PROMOTE if strategy in PROMOTES else PromotionAction.HOLD
    names = stream.names[: stream.serving(chunk)]
    return Experiment(
        uid=stream.name,
        arms=tuple(Arm(name, score) for name, score in zip(names, scores, strict=True)),
        baseline=stream.names[0],
        strategy=STRATEGIES[strategy](),
        reward_type=stream.reward.type,
        promotion=Promotion(action=action),
        shadow=Shadow(SHADOWS[way]) if way in SHADOWS else None,
        # Nobody need be served by an arm for it to be known.
        guardrails=Guardrails(min_share=0.0) if way in SHADOWS else Guardrails(),
    )


def play(stream: Stream, draws: Draws, way: str, watch: Watch | None = None) -> Path:
    """Play one of the operator's strategies, or its default one with a shadow.

    Args:
        stream: What happens.
        draws: The chance in it.
        way: Name of the strategy, or of SHADOWS.
        watch: Called after each chunk with its number, the shares under which it was served, and the trials
            and rewards whose labels came in it, each of shape (S, K') for the K' arms that were there.
    """
    shape = (draws.seeds, len(stream.names))
    rolled_back_at, promoted_at = np.full(shape, NEVER), np.full(shape, NEVER)
    traffic = Traffic(stream, draws)
    shadow = scorer.Shadow(stream, draws, SHADOWS[way]) if way in SHADOWS else None
    changes = {since for since, _ in stream.validation} | set(stream.joins.tolist())
    run = operation.start(experiment(stream, way, 0), draws.seeds, _all(stream.serving(0)))
    for chunk in range(stream.chunks):
        if chunk and chunk in changes:
            operation.change(run, experiment(stream, way, chunk))
        shares = run.shares
        trials, rewards = traffic.serve(shares)
        if watch is not None:
            watch(chunk, shares, trials, rewards)
        scored = None if shadow is None else shadow.score()
        moments = np.stack([trials, rewards], axis=-2)
        loser, assessment = operation.decide(run, moments, _all(stream.serving(chunk)), scored)
        there = slice(loser.shape[1])
        out = loser & (rolled_back_at[:, there] == NEVER)
        rolled_back_at[:, there][out] = chunk
        first = assessment.promoted & (promoted_at[:, there] == NEVER)
        promoted_at[:, there][first] = chunk
    return Path(traffic.served, rolled_back_at, promoted_at)


def _all(arms: int) -> npt.NDArray[np.bool_]:
    return np.ones(arms, dtype=bool)
