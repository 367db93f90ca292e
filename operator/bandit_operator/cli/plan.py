"""``bandit-operator plan``: how long until a verdict, with what this resource has seen so far."""

from __future__ import annotations

import math
from dataclasses import replace

import click
import numpy as np

from bandit_operator.adapters.objects import Object
from bandit_operator.api.record import RecordedStatus
from bandit_operator.api.v1alpha1 import InvalidResource, parse, to_experiment
from bandit_operator.cli import progress
from bandit_operator.cli.cluster import Cluster, cluster_options
from bandit_operator.cli.names import resource_argument
from bandit_operator.cli.numbers import Finite
from bandit_operator.cli.output import say
from bandit_operator.core.durations import duration
from bandit_operator.core.inference.moments import is_normal
from bandit_operator.core.model import SERVING_STATES
from bandit_operator.simulation.many import check_length, chunks
from bandit_operator.simulation.schedule import WorldError
from bandit_operator.simulation.spread import measured
from bandit_operator.simulation.summary import joined, summarise
from bandit_operator.simulation.supposed import supposed_world
from bandit_operator.simulation.world import World
from bandit_operator.status.document import read_status
from bandit_operator.status.figures import number
from bandit_operator.status.history import observed


@click.command()
@resource_argument()
@click.option(
    "--hours",
    default=24.0,
    show_default=True,
    type=Finite(0, 8760, min_open=True),
    help="How far to look ahead.",
)
@click.option(
    "--seeds", default=50, show_default=True, type=click.IntRange(1), help="Independent repetitions."
)
@cluster_options()
def plan(name: str, hours: float, seeds: int, cluster: Cluster) -> None:
    """Simulate what comes, from the means and the traffic that the status has now.

    It supposes that the arms go on earning what they have earned in the mean, which is what is not
    known yet: of two arms that look alike it says how long that stays so.

    \b
      kubectl bandit plan income --hours 72
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    body = cluster.resource(name)
    status, _ = read_status(body)
    try:
        experiment = to_experiment(parse(body))
    except InvalidResource as error:
        raise click.ClickException(str(error)) from error
    try:
        world = world_of(body, status, hours)
        check_length(world, seeds)
    except WorldError as error:
        raise click.ClickException(str(error)) from error
    with progress.shown("playing what comes", seeds * world.ticks) as advance:
        played = joined(list(chunks(world, experiment.strategy, seeds, jobs=1, progress=advance)))
    summary = summarise(world, experiment.strategy.type, played)
    rates = ", ".join(f"{arm} {rate:.4g}" for arm, rate in zip(world.names, world.rates[0], strict=True))
    say(
        f"supposing {world.requests.mean():.4g} rewarded requests each {duration(world.interval)},"
        f" and means of {rates}:"
    )
    say("\n".join(summary["answer"]))


def world_of(body: Object, status: RecordedStatus, hours: float) -> World:
    """The world that goes on as the status has it.

    Raises:
        ClickException: Too little is known yet.
    """
    name = body["metadata"]["name"]
    experiment = to_experiment(parse(body))
    # Arms that serve have joined: only what comes is played, and no onboarding.
    serving = tuple(replace(arm, onboards_in_shadow=False) for arm in experiment.arms)
    experiment = replace(experiment, arms=serving)
    means = {
        arm.name: mean
        for arm in status.arms or ()
        if arm.state in SERVING_STATES and arm.name in experiment.names
        if (mean := number(arm.mean)) is not None and math.isfinite(mean)
    }
    if len(means) < 2 or experiment.baseline not in means:
        known = ", ".join(means) or "no arm"
        raise click.ClickException(
            f"of {name} {known} has rewards and serves; it takes the baseline {experiment.baseline}"
            " and another arm, so wait for their first rewards"
        )
    try:
        windows = [
            {arm: observed(one) for arm, one in record.observations.items()}
            for record in status.history or ()
            if record.observations
        ]
    except ValueError as error:
        raise click.ClickException(
            f"the newest decisions of {name} hold what is no number; wait for the operator to write others"
        ) from error
    trials = [sum(seen.trials for seen in window.values()) for window in windows]
    if not trials or not any(trials):
        raise click.ClickException(f"the newest decisions of {name} saw no rewarded request; wait for some")
    requests, seconds = float(np.mean(trials)), hours * 3600.0
    if not is_normal(experiment.reward_type):
        rates = {arm: min(max(mean, 0.0), 1.0) for arm, mean in means.items()}
        return supposed_world(name, experiment, rates, requests, seconds)
    arms = [arm for arm in experiment.names if arm in means]
    spread = measured(windows, arms, experiment.reward_type)
    if spread is None:
        raise click.ClickException(
            f"the newest decisions of {name} do not tell how much single rewards vary; wait for more requests"
        )
    return supposed_world(name, experiment, means, requests, seconds, spread)
