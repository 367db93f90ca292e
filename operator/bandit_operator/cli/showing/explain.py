"""``bandit-operator explain``: why things are as they are, or why a decision was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from bandit_operator.adapters.kubernetes import Object
from bandit_operator.api.record import DecisionRecord, RecordedStatus
from bandit_operator.api.status import ArmStatus
from bandit_operator.api.timestamps import from_timestamp
from bandit_operator.cli.cluster import Cluster, cluster_options
from bandit_operator.cli.showing.acts import line
from bandit_operator.cli.showing.view import view_of
from bandit_operator.cli.showing.words import meaning
from bandit_operator.status.document import read_status


@click.command()
@click.argument("name")
@click.option(
    "--tick",
    metavar="TIME",
    help="Explain the newest decision made until then, such as 2026-01-31T03:00:00Z.",
)
@cluster_options()
def explain(name: str, tick: str | None, cluster: Cluster) -> None:
    """Say why the traffic is where it is, or why one decision was made, in words.

    \b
      kubectl bandit explain income
      kubectl bandit explain income --tick 2026-01-31T03:00:00Z
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    body = cluster.resource(name)
    status, _ = read_status(body)
    click.echo(now(body, status) if tick is None else then(name, status, tick))


def now(body: Object, status: RecordedStatus) -> str:
    """Why things are as they are."""
    view = view_of(body)
    lines = [f"{view.name} is {view.phase or 'not looked at yet'}."]
    for condition in (view.ready, view.progressing):
        if condition is not None:
            lines.append(
                f"{condition.type} is {condition.status}: {condition.message}. {_means(condition.reason)}"
            )
    lines += [_arm(arm) for arm in status.arms or ()]
    if status.history:
        lines += ["", "The newest decision:", _decision(status.history[0])]
    if view.acts:
        lines += ["", "Before that:", *(f"  {line(act)}" for act in view.acts[:5])]
    return "\n".join(lines)


def then(name: str, status: RecordedStatus, tick: str) -> str:
    """Why the newest decision until some time was made.

    Raises:
        ClickException: ``tick`` is no time, or the status has no decision as old as that.
    """
    try:
        until = from_timestamp(tick)
    except (ValueError, OverflowError) as error:
        raise click.ClickException(f'--tick "{tick}" is no time; write it as 2026-01-31T03:00:00Z') from error
    history = status.history or []
    for record in history:
        if from_timestamp(record.time) <= until:
            return _decision(record)
    oldest = f"the oldest that {name} keeps is of {history[-1].time}" if history else f"{name} has none yet"
    raise click.ClickException(
        f"no decision was made until {tick}: {oldest}; see kubectl bandit history {name}"
    )


def _means(reason: str) -> str:
    return f"[{reason}: {meaning(reason)}]"


def _arm(arm: ArmStatus) -> str:
    text = f"{arm.name} is {arm.state} since {arm.since}: {meaning(arm.reason)}"
    if arm.taken_out is not None and arm.state in ("Draining", "RolledBack", "Restoring"):
        out = arm.taken_out
        figures = (
            f", mean {out.mean} on {out.trials} trials, the baseline's {out.baseline_mean}"
            if out.mean
            else ""
        )
        text += f" It was taken out at {out.time}: {out.message}{figures}."
    return text


def _decision(record: DecisionRecord) -> str:
    lines = [f"{record.time}  {record.reason}: {meaning(record.reason)}", f"  {record.message}"]
    if record.window is not None:
        lines.append(f"  It stood on the rewards from {record.window.start} to {record.window.end}:")
    for arm, seen in (record.observations or {}).items():
        lines.append(
            f"    {arm}: {float(seen.trials):g} trials, rewards {float(seen.rewards):g}{_mean(seen)}"
        )
    for arm, why in (record.missing or {}).items():
        lines.append(f"    {arm}: no data ({why})")
    for arm, numbers in (record.implausible or {}).items():
        lines.append(f"    {arm}: not believed, {numbers.message}")
    if record.weights:
        lines.append(f"  Weights: {_weights(record.weights)}")
    return "\n".join([*lines, *(f"  It did: {action}" for action in record.actions or ())])


def _mean(seen: Any) -> str:
    trials = float(seen.trials)
    return f", mean {float(seen.rewards) / trials:.4g}" if trials > 0 else ""


def _weights(weights: Mapping[str, int]) -> str:
    total = sum(weights.values()) or 1
    return ", ".join(f"{arm} {weight / total:.1%}" for arm, weight in weights.items())
