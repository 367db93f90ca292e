"""The world that ``bandit-operator simulate`` plays: from a file, or from a manifest and rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from bandit_operator.adapters.documents import Unreadable, document_in
from bandit_operator.api.kind import KIND
from bandit_operator.api.v1alpha1 import InvalidResource, parse, to_experiment
from bandit_operator.cli.manifests import objects_in
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference.moments import is_normal
from bandit_operator.core.model import Arm, RewardType
from bandit_operator.core.quantities import parse_decimal
from bandit_operator.core.strategies import DEFAULT_STRATEGY, STRATEGIES
from bandit_operator.simulation.schedule import Place, WorldError
from bandit_operator.simulation.spread import Spread
from bandit_operator.simulation.supposed import supposed_world
from bandit_operator.simulation.world import RATES, SupposedShadow, World
from bandit_operator.simulation.world_file import parse_world

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Supposition:
    """What somebody supposes of their traffic, on the command line."""

    rates: Sequence[str]
    """Mean rewards: one number an arm in the order of the arms, or ``NAME=RATE``."""
    rps: float | None
    """Rewarded requests a second, of all arms together."""
    days: float
    deviation: float | None = None
    """Standard deviation of a single reward, where rewards are not between 0 and 1."""
    denominator: float | None = None
    """Mean denominator of a request, for Ratio."""


def world_of(
    path: Path | None, manifest: Path | None, supposed: Supposition
) -> tuple[World, Experiment | None]:
    """The world to play, and the experiment of the manifest where there is one.

    Raises:
        UsageError: The options do not make a world.
        ClickException: A file cannot be read, or says something that cannot be played.
    """
    numbers = (supposed.rps, supposed.deviation, supposed.denominator)
    given = bool(supposed.rates) or manifest is not None or any(number is not None for number in numbers)
    if path is not None and given:
        raise click.UsageError(
            "--world says what is played itself; leave out --rate, --rps, --deviation, --denominator"
            " and --manifest"
        )
    try:
        if path is not None:
            return read_world(path), None
        experiment = _experiment(manifest) if manifest is not None else None
        return _supposed(experiment, supposed, "traffic" if manifest is None else manifest.stem), experiment
    except (Unreadable, WorldError) as error:
        raise click.ClickException(str(error)) from error


def read_world(path: Path) -> World:
    """Read a world from a file in YAML or JSON.

    Raises:
        Unreadable: the file cannot be read.
        WorldError: it says something that cannot be played.
    """
    return parse_world(Place(str(path), path.parent, ""), document_in(path))


def shadowed(world: World, share: str | None, alike: str) -> World:
    """The world with the shadow that the options ask for; as it is where they ask for none.

    Raises:
        BadParameter: A share is none, or rewards are ratios.
    """
    part = _share("--alike", alike, least=0.0)
    if share is None:
        return world
    if world.reward_type is RewardType.RATIO:
        raise click.BadParameter(
            "two answers to one request have no difference of ratios; leave it out", param_hint="--shadow"
        )
    shadow = world.shadow or SupposedShadow(1.0)
    return replace(world, shadow=replace(shadow, share=_share("--shadow", share, least=1e-6), alike=part))


def onboarded(world: World, onboarding: str | None) -> World:
    """The world in which all arms but the baseline begin as the option says; as it is where it says nothing.

    Raises:
        UsageError: They are to begin in a shadow that is not there.
    """
    if onboarding is None:
        return world
    if onboarding == "Shadow" and world.shadow is None:
        raise click.UsageError(
            "--onboarding Shadow needs the shadow that an arm is to prove itself in; add --shadow 10%"
        )
    begins = onboarding == "Shadow"
    return replace(world, onboarded=tuple(begins and name != world.baseline for name in world.names))


def _share(option: str, text: str, least: float) -> float:
    try:
        share = parse_decimal(text)
    except ValueError:
        share = -1.0
    if not least <= share <= 1.0:
        raise click.BadParameter(f"{text!r} is no share of the requests; write 10% or .1", param_hint=option)
    return share


def _experiment(path: Path) -> Experiment:
    found = [one for one in objects_in(path) if isinstance(one, dict) and one.get("kind") == KIND]
    if len(found) != 1:
        raise click.ClickException(f"{path}: it has {len(found)} of kind {KIND}; give a file with one")
    try:
        return to_experiment(parse(found[0]))
    except InvalidResource as error:
        raise click.ClickException(f"{path}: {error}") from error


def _supposed(experiment: Experiment | None, supposed: Supposition, name: str) -> World:
    if not supposed.rates:
        raise click.UsageError("say what is to be played: --world FILE, or --rate .82 .84 --rps 20")
    if supposed.rps is None:
        raise click.UsageError("say how many rewarded requests come each second, such as --rps 20")
    reward_type = _reward_type(experiment, supposed)
    rates = _rates(supposed.rates, None if experiment is None else experiment.names, RATES[reward_type])
    if experiment is None:
        arms = tuple(map(Arm, rates))
        strategy = STRATEGIES[DEFAULT_STRATEGY]()
        experiment = Experiment(name, arms, arms[0].name, strategy, reward_type=reward_type)
    elif experiment.baseline not in rates:
        raise click.BadParameter(
            f"the baseline {experiment.baseline} has none; write {experiment.baseline}=0.8",
            param_hint="--rate",
        )
    requests, seconds = supposed.rps * experiment.interval, supposed.days * DAY
    return supposed_world(name, experiment, rates, requests, seconds, _spread(reward_type, supposed, rates))


def _reward_type(experiment: Experiment | None, supposed: Supposition) -> RewardType:
    if experiment is not None:
        return experiment.reward_type
    if supposed.denominator is not None:
        return RewardType.RATIO
    return RewardType.BERNOULLI if supposed.deviation is None else RewardType.GAUSSIAN


def _spread(reward_type: RewardType, supposed: Supposition, rates: Mapping[str, float]) -> Spread | None:
    """How much rewards vary, as the options have it; raises UsageError where they do not fit the type."""
    needed = {"--deviation": is_normal(reward_type), "--denominator": reward_type is RewardType.RATIO}
    why = {
        "--deviation": "how much a single reward varies (its standard deviation), such as --deviation 40",
        "--denominator": "the mean denominator of a request, such as --denominator 3",
    }
    given = {"--deviation": supposed.deviation, "--denominator": supposed.denominator}
    for option, value in given.items():
        if needed[option] and value is None:
            raise click.UsageError(f"rewards are {reward_type}: say {why[option]}")
        if value is not None and not needed[option]:
            raise click.UsageError(f"leave out {option}: rewards are {reward_type}")
    if supposed.deviation is None:
        return None
    mean = supposed.denominator or 1.0
    return Spread(
        (supposed.deviation,) * len(rates), mean, 0.0 if supposed.denominator is None else mean / 3.0
    )


def _rates(
    given: Sequence[str], names: Sequence[str] | None, bounds: tuple[float, float]
) -> dict[str, float]:
    """The rate of each arm; those without a name go to the arms in their order."""
    most = 20 if names is None else len(names)
    if not 2 <= len(given) <= most:
        raise click.BadParameter(
            f"{len(given)} given; write one for each of 2 to {most} arms, such as .82 .84",
            param_hint="--rate",
        )
    rates: dict[str, float] = {}
    for index, text in enumerate(given):
        name, equals, number = text.rpartition("=")
        arm = name if equals else f"arm-{index + 1}" if names is None else names[index]
        if names is not None and arm not in names:
            raise click.BadParameter(
                f"{text!r} names no arm; the manifest has {', '.join(names)}", param_hint="--rate"
            )
        if arm in rates:
            raise click.BadParameter(f"{arm} has two; write one for each arm", param_hint="--rate")
        rates[arm] = _rate(text, number, bounds)
    return rates


def _rate(text: str, number: str, bounds: tuple[float, float]) -> float:
    scale = 0.01 if number.endswith("%") else 1.0
    try:
        rate = float(number.removesuffix("%")) * scale
    except ValueError:
        rate = float("nan")
    if bounds[0] <= rate <= bounds[1]:
        return rate
    between = "between 0 and 1; write .82 or 82%" if bounds == (0.0, 1.0) else f"of at least {bounds[0]:g}"
    hint = " (any number with --deviation)" if bounds == (0.0, 1.0) else ""
    raise click.BadParameter(f"{text!r} is no mean reward {between}{hint}", param_hint="--rate")
