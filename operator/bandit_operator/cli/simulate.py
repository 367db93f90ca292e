"""``bandit-operator simulate``: play a world before it happens."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bandit_operator.cli import progress
from bandit_operator.cli.numbers import Finite
from bandit_operator.cli.settings import strategies_of
from bandit_operator.cli.supposing import Supposition, onboarded, shadowed, world_of
from bandit_operator.cli.table import table
from bandit_operator.core.durations import duration
from bandit_operator.core.strategies import DEFAULT_STRATEGY, STRATEGIES, Strategy
from bandit_operator.simulation import pictures
from bandit_operator.simulation.answer import beside, early
from bandit_operator.simulation.figures import amount
from bandit_operator.simulation.many import CHUNK, check_length, chunks
from bandit_operator.simulation.play import Played
from bandit_operator.simulation.schedule import WorldError
from bandit_operator.simulation.summary import ArmSummary, Summary, joined, summarise
from bandit_operator.simulation.world import World

GLANCE_SECONDS = 2.0
"""What comes before this is no first answer: the last one comes soon after."""
_FILE = click.Path(dir_okay=False, allow_dash=True, path_type=Path)


class _Output(click.Path):
    """A file to write, which is refused before anything is played where its folder is not there."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path that was typed."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.parent.is_dir():
            self.fail(f"{path}: there is no folder {path.parent}; make it, or name another", param, ctx)
        if not os.access(path.parent, os.W_OK):
            self.fail(f"{path}: {path.parent} may not be written to; name another folder", param, ctx)
        return path


_OUTPUT = _Output(dir_okay=False, writable=True)


@click.command()
@click.option("--world", "path", type=_FILE, help="YAML file that describes the world; see below.")
@click.option(
    "-f",
    "--manifest",
    type=_FILE,
    help="BanditDeployment whose arms, strategy, interval and guardrails are played.",
)
@click.option(
    "--rate",
    "rates",
    multiple=True,
    metavar="RATE...",
    help="Mean reward of each arm, the baseline's first: .82 .84, 82% 84% or old=.82 new=.84.",
)
@click.argument("more_rates", nargs=-1, metavar="")
@click.option("--rps", type=Finite(0, 1e9, min_open=True), help="Rewarded requests a second.")
@click.option(
    "--days",
    default=7.0,
    show_default=True,
    type=Finite(0, 365, min_open=True),
    help="How long it lasts, where rates are given.",
)
@click.option(
    "--deviation",
    type=Finite(0, 1e12, min_open=True),
    help="Standard deviation of a single reward, for rewards that are not between 0 and 1.",
)
@click.option(
    "--denominator",
    type=Finite(0, 1e12, min_open=True),
    help="Mean denominator of a request, for rewards of type Ratio; it varies by a third.",
)
@click.option(
    "--shadow",
    "shadow",
    metavar="SHARE",
    show_default="the manifest's or the world's, or none",
    help="Play it with a shadow as well: share of the requests that every arm scores, such as 10%.",
)
@click.option(
    "--alike",
    default="90%",
    show_default=True,
    metavar="SHARE",
    help="Of these, how many are as hard for one arm as for the others.",
)
@click.option(
    "--onboarding",
    type=click.Choice(["Serve", "Shadow"]),
    show_default="the manifest's or the world's, or Serve",
    help="How all arms but the baseline begin: with traffic, or in the shadow until they are shown no worse.",
)
@click.option(
    "--strategy",
    "names",
    multiple=True,
    type=click.Choice(sorted(STRATEGIES)),
    show_default=f"the manifest's, or {DEFAULT_STRATEGY}",
    help="Strategy to play; several are compared.",
)
@click.option(
    "--setting",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="Setting of the strategies that have it, under the resource's rules: half_life=1h, split.new=10%.",
)
@click.option(
    "--seeds", default=200, show_default=True, type=click.IntRange(1), help="Independent repetitions."
)
@click.option(
    "--jobs", default=os.cpu_count() or 1, show_default="all cores", type=click.IntRange(1), help="Processes."
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    help="Another one gives other streams.",
)
@click.option("--json", "json_path", type=_OUTPUT, help="Write everything that was measured as JSON.")
@click.option("--png", "png_path", type=_OUTPUT, help="Draw shares and regret over time.")
@click.option("--html", "html_path", type=_OUTPUT, help="Write picture and table as one page.")
def simulate(
    path: Path | None,
    manifest: Path | None,
    rates: tuple[str, ...],
    more_rates: tuple[str, ...],
    rps: float | None,
    days: float,
    deviation: float | None,
    denominator: float | None,
    shadow: str | None,
    alike: str,
    onboarding: str | None,
    names: tuple[str, ...],
    given: tuple[str, ...],
    seeds: int,
    jobs: int,
    seed: int,
    json_path: Path | None,
    png_path: Path | None,
    html_path: Path | None,
) -> None:
    """Play a world many times with the operator's own decisions.

    It answers: with my traffic and these reward rates, how long until a verdict, how often is
    it wrong, and what does finding out cost?

    \b
      bandit-operator simulate --rate .82 .84 --rps 20
      bandit-operator simulate -f income.yaml --rate boosting=.84 linear=.82 --rps 20
      bandit-operator simulate --rate .82 .84 --rps 20 --shadow 10%
      bandit-operator simulate --rate .82 .75 --rps 20 --shadow 10% --onboarding Shadow
      bandit-operator simulate --rate 31 33 --deviation 40 --rps 20

    Rewards are between 0 and 1 unless --deviation or the manifest says otherwise. Where rates or
    traffic change, a world is a YAML file:

    \b
      ticks: 2000                 # length
      interval: 30s               # length of a tick
      requests: 100               # a tick
      baseline: old
      arms:
      - {name: old, rate: 0.10}
      - {name: new, rate: {steps: [{at: 0, value: 0.12}, {at: 900, value: 0.07}]}}
      shared: {cycle: {amplitude: 0.03, period: 960}}     # added to all arms
      guardrails: {minTrials: 200, minShare: 0.01}        # as in the resource
      rollback: {errorRate: 0.05}
      promotion: {errorRate: 0.05, indifference: 0.005}

    Wherever a number changes over time, write {steps: …}, {ramp: {from, to, start, end}},
    {cycle: {mean, amplitude, period, phase}}, {csv: FILE, column: NAME} or {sum: […]}. Times are
    seconds or such as 1h30m, numbers may stand in quotes or be 5%, as in the resource. Further
    fields: designEffect (5 means that the requests of a tick are so alike that a mean varies
    five times as much), delay: {median, p95}, assumedDelay, shadow: {share, alike, margin},
    validationScale (Reward or Ranking), rewardType (Gaussian or Ratio, with standardDeviation of
    a single reward, for all or per arm, and for Ratio denominator: {mean, standardDeviation}),
    and per arm servesFrom (a tick), onboarding (Serve or Shadow) and validationScore with
    validationSamples or validationStandardError. A world with a shadow is played without it as
    well. A rolled-back arm is tried again after an hour, then two, four … up to
    rollback.retryAfter.
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    supposed = Supposition((*rates, *more_rates), rps, days, deviation, denominator)
    world, experiment = world_of(path, manifest, supposed)
    if experiment is not None and not names:
        if given:
            raise click.UsageError(
                f"--setting {given[0]} goes with --strategy; write it into the manifest, or add --strategy"
            )
        strategies = [experiment.strategy]
    else:
        strategies = strategies_of(names or (DEFAULT_STRATEGY,), given, world.names)
    world = onboarded(shadowed(world, shadow, alike), onboarding)
    try:
        check_length(world, seeds)
        summaries = _play(world, strategies, seeds, jobs, seed)
    except WorldError as error:
        raise click.ClickException(str(error)) from error
    rows = _rows(summaries)
    width = shutil.get_terminal_size().columns
    for summary in summaries:
        for sentence in summary["answer"]:
            click.echo(click.wrap_text(sentence, width))
    _print(world, summaries)
    try:
        if json_path is not None:
            pictures.write(json_path, json.dumps(summaries, indent=1))
        if png_path is not None:
            pictures.write(png_path, pictures.png(summaries))
        if html_path is not None:
            pictures.write(html_path, pictures.page(summaries, rows))
    except (pictures.NoPictures, pictures.Unwritten) as error:
        raise click.ClickException(str(error)) from error


def _play(world: World, strategies: list[Strategy], seeds: int, jobs: int, seed: int) -> list[Summary]:
    result = []
    for strategy in strategies:
        plain: Played | None = None
        for one in [world] if world.shadow is None else [dataclasses.replace(world, shadow=None), world]:
            name = strategy.type if one.shadow is None else f"{strategy.type} with a shadow"
            with progress.shown(name, seeds * world.ticks) as advance:
                processes = min(jobs, -(-seeds // CHUNK))
                glance = _glance(one, name)
                played = joined(list(chunks(one, strategy, seeds, processes, seed, advance, glance)))
            summary = summarise(one, name, played)
            if plain is not None:
                summary["answer"].append(beside(world, plain, played))
            result.append(summary)
            plain = played
    return result


def _glance(world: World, name: str) -> Callable[[Played], None]:
    """What tells the first answer, where the whole takes so long that somebody waits for it."""
    began = time.monotonic()

    def tell(played: Played) -> None:
        if time.monotonic() - began < GLANCE_SECONDS:
            return
        width = shutil.get_terminal_size().columns
        for sentence in early(world, name, played):
            # The bar, if there is one, lets through what is written to this very stream.
            print(click.wrap_text(sentence, width), file=sys.stderr)

    return tell


def _rows(summaries: list[Summary]) -> list[list[str]]:
    """The table, its head first; one line for each strategy and arm."""
    head = ["strategy", "arm", "final share", "rolled back", "falsely", "after (median, 5–95 %)"]
    head += ["promoted", "after (median, 5–95 %)", "regret (95 % interval)", "per 1,000 requests"]
    rows = [head]
    for summary in summaries:
        cost = [_within(summary, "{:.1f}".format, "–"), f"{summary['regret_per_thousand']:.2f}"]
        for index, arm in enumerate(summary["arms"]):
            cells = _cells(arm, _time, summary["interval"])
            rows.append(["" if index else summary["strategy"], *cells, *(["", ""] if index else cost)])
    return rows


def _within(summary: Summary, number: Callable[[float], str], to: str) -> str:
    """The regret with its interval, where more than one seed tells of one."""
    ends = summary["regret_ci"]
    return number(summary["regret"]) + ("" if ends is None else f" ({to.join(map(number, ends))})")


def _cells(arm: ArmSummary, time: Callable[[list[float] | None, float], str], interval: float) -> list[str]:
    """What is said of one arm, its times as ``time`` writes them."""
    return [
        arm["name"],
        f"{arm['final_share']:.1%}",
        f"{arm['rolled_back']:.1%}",
        f"{arm['falsely_rolled_back']:.1%}",
        time(arm["rollback_ticks"], interval),
        f"{arm['promoted']:.1%}",
        time(arm["promotion_ticks"], interval),
    ]


def _time(ticks: list[float] | None, interval: float) -> str:
    if ticks is None:
        return "–"
    low, middle, high = ((tick + 1) * interval for tick in ticks)
    return f"{duration(middle)} ({duration(low)}–{duration(high)})"


def _print(world: World, summaries: list[Summary]) -> None:
    """A table for each strategy that fits into 80 columns."""
    first = summaries[0]
    click.echo(
        f"\n{world.name}: {world.ticks:,} ticks of {duration(world.interval)}, {first['seeds']:,} seeds"
    )
    head = ["arm", "share", "rolled back", "falsely", "after", "proven best", "after"]
    for summary in summaries:
        cost = f"regret {_within(summary, amount, ' to ')}"
        click.echo(
            f"\n{summary['strategy']}: {cost}, {summary['regret_per_thousand']:.3g} per 1,000 requests"
        )
        lines = [_cells(arm, _median, summary["interval"]) for arm in summary["arms"]]
        click.echo(table(head, lines))
    click.echo("\nshare: of the traffic, at the end; after: half of those runs were so far")


def _median(ticks: list[float] | None, interval: float) -> str:
    return "-" if ticks is None else duration((ticks[1] + 1) * interval)
