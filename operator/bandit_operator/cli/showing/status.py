"""``bandit-operator status``: who leads, how surely, since when, and what comes next."""

from __future__ import annotations

import dataclasses
import importlib
import json
import time
from typing import Any

import click

from bandit_operator.cli.cluster import Cluster, cluster_options
from bandit_operator.cli.names import resource_argument
from bandit_operator.cli.output import full_name, output_option, written
from bandit_operator.cli.table import table
from bandit_operator.status.showing import sentences
from bandit_operator.status.showing.acts import line
from bandit_operator.status.showing.view import View, ago, unattended, view_of

ACTS_SHOWN = 3
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
    if watch:
        _watch(cluster, name, all_namespaces=all_namespaces)
    else:
        click.echo(_shown(cluster, name, output, all_namespaces=all_namespaces))


def _shown(cluster: Cluster, name: str | None, output: str | None, *, all_namespaces: bool) -> str:
    if name is not None:
        view = view_of(cluster.resource(name))
        return one(view, time.time()) if output is None else written(_plain(view), name, output)
    views = [view_of(body) for body in cluster.resources(everywhere=all_namespaces)]
    if output == "name":
        return "\n".join(full_name(view.name) for view in views)
    if output is not None:
        return written([_plain(view) for view in views], "", output)
    where = "any namespace" if all_namespaces else f"namespace {cluster.namespace}"
    return many(views, time.time()) if views else f"there is no BanditDeployment in {where}"


def _plain(view: View) -> Any:
    return json.loads(json.dumps(dataclasses.asdict(view), default=_model))


def _model(value: Any) -> Any:
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


def _watch(cluster: Cluster, name: str | None, *, all_namespaces: bool) -> None:
    try:
        live, text = importlib.import_module("rich.live"), importlib.import_module("rich.text")
    except ImportError as error:
        raise click.ClickException(
            "--watch needs rich, which is not installed; pip install rich, or: watch kubectl bandit status"
        ) from error

    def now() -> Any:
        return text.Text(_shown(cluster, name, None, all_namespaces=all_namespaces))

    try:
        with live.Live(now(), auto_refresh=False, screen=False) as shown:
            while True:
                time.sleep(REFRESH_SECONDS)
                shown.update(now(), refresh=True)
    except KeyboardInterrupt:
        return


def many(views: list[View], now: float) -> str:
    """A line for each resource."""
    return table(
        ("NAMESPACE", "NAME", "PHASE", "LEADER", "SHARE", "CERTAINTY", "ACTED"),
        [
            (
                view.namespace,
                view.name,
                view.phase or "–",
                view.leader or "–",
                view.leader_share or "–",
                view.certainty or "–",
                ago(sentences.last_act(view), now) or "–",
            )
            for view in views
        ],
    )


def one(view: View, now: float) -> str:
    """All that there is to see of one resource, at one look."""
    ready = view.ready
    lines = [
        f"{view.namespace}/{view.name}: {view.phase or 'not looked at yet'}",
        f"Leads:  {sentences.leads(view)}",
    ]
    trust = sentences.scores(view)
    if trust is not None:
        lines.append(f"Scores: {trust}")
    if ready is not None:
        since = ago(ready.last_transition_time, now)
        lines.append(
            f"Ready:  {ready.status} since {since.removesuffix(' ago')}, {ready.reason}: {ready.message}"
        )
    words = unattended(view, now)
    if words is not None:
        lines.append(f"Stale:  {words}")
    lines += [f"Next:   {view.next}", "", arms(view)]
    if view.acts:
        lines += ["", "Done lately:", *(f"  {line(act)}" for act in view.acts[:ACTS_SHOWN])]
    return "\n".join(lines)


def arms(view: View) -> str:
    """The table of the arms; * marks the baseline."""
    rows = [
        (
            arm.name + (" *" if arm.name == view.baseline else ""),
            sentences.share(arm),
            sentences.mean(arm),
            arm.trials or "–",
            sentences.probability_best(arm),
            sentences.evidence(arm, view.baseline),
            sentences.state(arm),
        )
        for arm in view.arms
    ]
    return table(("ARM", "SHARE", "MEAN (95%)", "TRIALS", "P(BEST)", "WORSE", "STATE"), rows)
