"""What ``bandit-operator status`` and ``explain`` write of one resource, or of many."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import click
from pydantic.alias_generators import to_camel

from bandit_operator.adapters.objects import Object
from bandit_operator.api.record import RecordedStatus
from bandit_operator.api.timestamps import from_timestamp
from bandit_operator.cli.table import table
from bandit_operator.core import reasons
from bandit_operator.status.document import time_of
from bandit_operator.status.showing import sentences
from bandit_operator.status.showing.acts import line
from bandit_operator.status.showing.view import View, ago, unattended, view_of

ACTS_SHOWN = 3


def plain(view: View) -> Any:
    """A view as JSON has it, its names written like those of the API."""
    return json.loads(json.dumps(dataclasses.asdict(view, dict_factory=_named), default=_model))


def _named(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    return {to_camel(name): value for name, value in fields}


def _model(value: Any) -> Any:
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


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


def now(body: Object, status: RecordedStatus) -> str:
    """Why things are as they are."""
    view = view_of(body)
    lines = [f"{view.name} is {view.phase or 'not looked at yet'}."]
    besides = (one for one in status.conditions or () if one.reason == reasons.INTERVAL_TOO_SHORT)
    for condition in (view.ready, view.progressing, *besides):
        if condition is not None:
            lines.append(sentences.condition(condition))
    lines += [sentences.standing(arm) for arm in status.arms or ()]
    if status.history:
        lines += ["", "The newest decision:", *sentences.decision(status.history[0])]
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
        made = time_of(record.time)
        if made is not None and made <= until:
            return "\n".join(sentences.decision(record))
    oldest = f"the oldest that {name} keeps is of {history[-1].time}" if history else f"{name} has none yet"
    raise click.ClickException(
        f"no decision was made until {tick}: {oldest}; see kubectl bandit history {name}"
    )
