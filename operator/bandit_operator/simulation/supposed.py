"""A world in which everything stays as it is supposed to be: a rate for each arm, and steady traffic."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference.moments import is_normal
from bandit_operator.simulation.schedule import WorldError, whole
from bandit_operator.simulation.spread import Spread
from bandit_operator.simulation.world import SupposedShadow, World


def supposed_world(
    name: str,
    experiment: Experiment,
    rates: Mapping[str, float],
    requests: float,
    seconds: float,
    spread: Spread | None = None,
) -> World:
    """The world of an experiment whose arms earn these rates all the time.

    Args:
        name: of the world, for messages.
        experiment: the settings.
        rates: mean reward of each arm that takes part, in [0, 1] for Bernoulli and Bounded; the baseline
            must be one of them.
        requests: rewarded requests a tick, of all arms together; may be less than one.
        seconds: how long the world lasts.
        spread: how much single rewards vary, in the order of the arms that take part; for Gaussian and Ratio.

    Raises:
        WorldError: rewards vary, and nothing is said of how much; or they do not, and something is.
    """
    if is_normal(experiment.reward_type) != (spread is not None):
        fix = "only Gaussian and Ratio, and these always, need how much single rewards vary"
        raise WorldError(name, "spec.reward.type", experiment.reward_type.value, fix)
    ticks = max(1, round(seconds / experiment.interval))
    names = tuple(arm for arm in experiment.names if arm in rates)
    known = {arm.name: arm for arm in experiment.arms}
    return World(
        name=name,
        names=names,
        baseline=experiment.baseline,
        rates=np.tile([rates[arm] for arm in names], (ticks, 1)),
        requests=whole(np.full(ticks, requests)),
        interval=experiment.interval,
        onboarded=tuple(known[arm].onboards_in_shadow for arm in names),
        validation_scores=tuple(known[arm].validation_score for arm in names),
        validation_errors=tuple(known[arm].validation_error for arm in names),
        validation_scale=experiment.validation_scale,
        delay=experiment.delay,
        assumed_delay=experiment.delay,
        guardrails=experiment.guardrails,
        rollback=experiment.rollback,
        promotion=experiment.promotion,
        shadow=_shadow(experiment),
        reward_type=experiment.reward_type,
        spread=spread,
    )


def _shadow(experiment: Experiment) -> SupposedShadow | None:
    asked = experiment.shadow
    return None if asked is None else SupposedShadow(asked.share, margin=asked.margin)
