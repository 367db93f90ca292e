"""``bandit-operator simulate``: play a world before it happens."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from bandit_operator.core.strategies import DEFAULT_STRATEGY, STRATEGIES, Strategy, settings_of
from bandit_operator.simulation import pictures
from bandit_operator.simulation.answer import duration
from bandit_operator.simulation.many import CHUNK, chunks
from bandit_operator.simulation.schedule import WorldError
from bandit_operator.simulation.summary import Summary, joined, summarise
from bandit_operator.simulation.world import World, read_world

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--world", "path", required=True, type=_FILE, help="YAML file that describes the world; see below."
)
@click.option(
    "--strategy",
    "names",
    multiple=True,
    type=click.Choice(sorted(STRATEGIES)),
    default=(DEFAULT_STRATEGY,),
    show_default=True,
    help="Strategy to play; several are compared.",
)
@click.option(
    "--setting",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="Setting of the strategies that have it, such as half_life=3600 (durations in seconds).",
)
@click.option(
    "--seeds", default=200, show_default=True, type=click.IntRange(1), help="Independent repetitions."
)
@click.option(
    "--jobs", default=os.cpu_count() or 1, show_default="all cores", type=click.IntRange(1), help="Processes."
)
@click.option("--seed", default=0, show_default=True, help="Another one gives other random streams.")
@click.option("--json", "json_path", type=_FILE, help="Write everything that was measured as JSON.")
@click.option("--png", "png_path", type=_FILE, help="Draw shares and regret over time.")
@click.option("--html", "html_path", type=_FILE, help="Write picture and table as one page.")
def simulate(
    path: Path,
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
    it wrong, and what does finding out cost? A world is a YAML file:

    \b
      ticks: 2000                 # length
      interval: 30                # seconds a tick
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
    {cycle: {mean, amplitude, period, phase}}, {csv: FILE, column: NAME} or {sum: […]}. Further
    fields: designEffect (5 means that the requests of a tick are so alike that a mean varies
    five times as much), delay: {median, p95} in seconds, assumedDelay, and per arm servesFrom
    (a tick) and validationScore. A rolled-back arm is tried again after an hour, then two, four …
    up to rollback.retryAfter seconds.
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    try:
        world = read_world(path)
    except WorldError as error:
        raise click.ClickException(str(error)) from error
    strategies = [_strategy(name, given) for name in names]
    summaries = _play(world, strategies, seeds, jobs, seed)
    rows = _rows(summaries)
    for summary in summaries:
        for sentence in summary["answer"]:
            click.echo(sentence)
    _print(world, seeds, rows)
    if json_path is not None:
        pictures.write(json_path, json.dumps(summaries, indent=1))
    try:
        if png_path is not None:
            pictures.write(png_path, pictures.png(summaries))
        if html_path is not None:
            pictures.write(html_path, pictures.page(summaries, rows))
    except pictures.NoPictures as error:
        raise click.ClickException(str(error)) from error


def _strategy(name: str, given: tuple[str, ...]) -> Strategy:
    """Return the strategy with those of the given settings that it has."""
    known = settings_of(STRATEGIES[name])
    everywhere = {setting for strategy in STRATEGIES.values() for setting in settings_of(strategy)}
    chosen: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or key not in everywhere:
            raise click.BadParameter(
                f"{text!r} sets nothing; write NAME=VALUE with one of {', '.join(sorted(everywhere))}",
                param_hint="--setting",
            )
        if key not in known:
            continue
        try:
            chosen[key] = float(value)
        except ValueError as error:
            raise click.BadParameter(
                f"{text!r}: {value!r} is no number; write {key}=0.5", param_hint="--setting"
            ) from error
    return STRATEGIES[name](**chosen)


def _play(world: World, strategies: list[Strategy], seeds: int, jobs: int, seed: int) -> list[Summary]:
    progress = _rich("progress")
    console = _rich("console").Console(stderr=True)
    result = []
    with progress.Progress(console=console, transient=True) as bar:
        for strategy in strategies:
            task = bar.add_task(strategy.type, total=seeds)
            parts = []
            for part in chunks(world, strategy, seeds, min(jobs, -(-seeds // CHUNK)), seed):
                parts.append(part)
                bar.advance(task, len(part.regret))
            result.append(summarise(world, strategy.type, joined(parts)))
    return result


def _rows(summaries: list[Summary]) -> list[list[str]]:
    """The table, its head first; one line for each strategy and arm."""
    head = ["strategy", "arm", "final share", "rolled back", "falsely", "after (median, 5–95 %)"]
    head += ["promoted", "after (median, 5–95 %)", "regret (95 % interval)", "per 1,000 requests"]
    rows = [head]
    for summary in summaries:
        low, high = summary["regret_ci"]
        cost = [f"{summary['regret']:.1f} ({low:.1f}–{high:.1f})", f"{summary['regret_per_thousand']:.2f}"]
        for index, arm in enumerate(summary["arms"]):
            rows.append(
                [
                    "" if index else summary["strategy"],
                    arm["name"],
                    f"{arm['final_share']:.1%}",
                    f"{arm['rolled_back']:.1%}",
                    f"{arm['falsely_rolled_back']:.1%}",
                    _time(arm["rollback_ticks"], summary["interval"]),
                    f"{arm['promoted']:.1%}",
                    _time(arm["promotion_ticks"], summary["interval"]),
                    *(["", ""] if index else cost),
                ]
            )
    return rows


def _time(ticks: list[float] | None, interval: float) -> str:
    if ticks is None:
        return "–"
    low, middle, high = ((tick + 1) * interval for tick in ticks)
    return f"{duration(middle)} ({duration(low)}–{duration(high)})"


def _print(world: World, seeds: int, rows: list[list[str]]) -> None:
    title = f"{world.name}: {world.ticks:,} ticks of {duration(world.interval)}, {seeds:,} seeds"
    table = _rich("table").Table(title=title)
    for index, name in enumerate(rows[0]):
        table.add_column(name, justify="left" if index < 2 else "right")
    for row in rows[1:]:
        table.add_row(*row)
    _rich("console").Console().print(table)


def _rich(part: str) -> Any:
    """Import a part of rich, or say how to get it."""
    import importlib

    try:
        return importlib.import_module(f"rich.{part}")
    except ImportError as error:
        raise click.ClickException(
            "this command needs rich, which is not installed; pip install 'bandit-operator[demo]'"
        ) from error
