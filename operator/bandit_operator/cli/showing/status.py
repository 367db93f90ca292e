"""``bandit-operator status``: who leads, how surely, since when, and what comes next."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
from collections.abc import Callable

import click

from bandit_operator.api.printable import printable_lines
from bandit_operator.cli.cluster import Cluster, cluster_options
from bandit_operator.cli.names import resource_argument
from bandit_operator.cli.output import full_name, output_option, say, written

REFRESH_SECONDS = 2.0


@click.command()
@resource_argument(required=False)
@click.option("-A", "--all-namespaces", is_flag=True, help="List those of all namespaces.")
@click.option("-w", "--watch", is_flag=True, help="Show it live, until Ctrl-C.")
@output_option
@cluster_options()
def status(name: str | None, all_namespaces: bool, watch: bool, output: str | None, cluster: Cluster) -> None:
    """Show who leads, how surely, since when, and what comes next; without NAME a line for each.

    \b
      kubectl bandit status income
      kubectl bandit status income --watch
      kubectl bandit status -A
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    if name is not None and all_namespaces:
        raise click.UsageError(f"{name} is in one namespace; leave out --all-namespaces, or the name")
    if watch and output is not None:
        raise click.UsageError(
            f"--watch shows it to people; leave out --watch, or --output {output}; for programs to see each"
            " change: kubectl get bd --watch -o json"
        )
    if watch:
        _watch(cluster, name, all_namespaces=all_namespaces)
    else:
        say(_shown(cluster, name, output, all_namespaces=all_namespaces))


def _shown(cluster: Cluster, name: str | None, output: str | None, *, all_namespaces: bool) -> str:
    # Imported here, because the Tab key asks for this command's options, and waits.
    from bandit_operator.cli import screens
    from bandit_operator.status.showing.view import view_of

    if name is not None:
        view = view_of(cluster.resource(name))
        return (
            screens.one(view, time.time()) if output is None else written(screens.plain(view), name, output)
        )
    views = [view_of(body) for body in cluster.resources(everywhere=all_namespaces)]
    if output == "name":
        return "\n".join(full_name(view.name) for view in views)
    if output is not None:
        return written([screens.plain(view) for view in views], "", output)
    where = "any namespace" if all_namespaces else f"namespace {cluster.namespace}"
    return screens.many(views, time.time()) if views else f"there is no BanditDeployment in {where}"


def _watch(cluster: Cluster, name: str | None, *, all_namespaces: bool) -> None:
    def now() -> str:
        return _shown(cluster, name, None, all_namespaces=all_namespaces)

    drawn = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    with contextlib.suppress(KeyboardInterrupt):
        (_draw if drawn else _print_each)(now)


def _draw(now: Callable[[], str]) -> None:
    try:
        live, text = importlib.import_module("rich.live"), importlib.import_module("rich.text")
    except ImportError as error:
        raise click.ClickException(
            "--watch needs rich, which is not installed; pip install rich, or: watch kubectl bandit status"
        ) from error
    with live.Live(text.Text(printable_lines(now())), auto_refresh=False, screen=False) as shown:
        while True:
            time.sleep(REFRESH_SECONDS)
            shown.update(text.Text(printable_lines(now())), refresh=True)


def _print_each(now: Callable[[], str]) -> None:
    """Where nothing can be drawn over, as in a pipe: one picture below the other, each that differs."""
    before = ""
    while True:
        picture = now()
        if picture != before:
            say(f"{picture}\n")
        before = picture
        time.sleep(REFRESH_SECONDS)
