"""What the pages say, gathered from resources as they are in the cache, and the templates that say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from bandit_operator.api.references import Key
from bandit_operator.status.document import read_status
from bandit_operator.status.past import Past, PastDecision
from bandit_operator.status.showing import acts, sentences
from bandit_operator.status.showing.view import View, ago, unattended, view_of
from bandit_operator.status.showing.words import meaning
from bandit_operator.watch.exposed import BROKEN
from bandit_operator.watch.web import charts

ROWS = 50
"""Resources on one page of the list."""
REFRESH_SECONDS = 5
"""How often a page that is open looks for news."""
COLOURS, DASHES = 8, 5
"""How many there are in the style sheet: so 40 arms differ, and none from the next by its colour alone."""

_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("bandit_operator.watch.web"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["meaning"] = meaning
_templates.globals |= {
    "words": sentences,
    "acts": acts,
    "every": REFRESH_SECONDS,
    "colours": COLOURS,
    "dashes": DASHES,
}


def rendered(template: str, **content: Any) -> str:
    """Return the page that a template makes."""
    return _templates.get_template(f"{template}.html").render(**content)


@dataclass(frozen=True, slots=True)
class Row:
    """One resource of the list."""

    namespace: str
    name: str
    view: View | None
    """None where what it has as its status is none."""
    acted: str
    """How long ago something was done last."""


def row_of(body: Mapping[str, Any], now: float) -> Row:
    """Gather what the list says of a resource."""
    name = (body["metadata"]["namespace"], body["metadata"]["name"])
    try:
        view = view_of(body)
    except BROKEN:
        return Row(*name, None, "–")
    return Row(*name, view, ago(sentences.last_act(view), now) or "–")


@dataclass(frozen=True, slots=True)
class Shown:
    """Which part of the list is on a page."""

    keys: Sequence[Key]
    number: int
    """Of the page, from 1."""
    pages: int


def part_of(keys: Sequence[Key], number: int) -> Shown:
    """The keys on one page, the nearest one where there is none of that number."""
    pages = max(1, -(-len(keys) // ROWS))
    number = min(max(number, 1), pages)
    return Shown(keys[(number - 1) * ROWS : number * ROWS], number, pages)


def rollout(body: Mapping[str, Any], past: Past, now: float) -> dict[str, Any]:
    """Gather what the page of one resource says.

    Raises:
        ValueError: A figure of an arm is no number, so what is drawn of it would be false.
    """
    view = view_of(body)
    for arm in view.arms:
        for figure in (arm.mean, *(arm.interval or ()), arm.probability_best, arm.evidence, arm.threshold):
            float(figure or 0)
    status, notes = read_status(body)
    stale = unattended(view, now)
    return {
        "view": view,
        "notes": notes if stale is None else (stale, *notes),
        "conditions": status.conditions or (),
        "standings": [sentences.standing(arm) for arm in status.arms or () if arm.state is not None],
        "decision": sentences.decision(status.history[0]) if status.history else (),
        "ready_since": ago(view.ready.last_transition_time, now) if view.ready else "",
        "charts": [one for one in _charts(view, past, now) if one is not None],
        "past": past,
        "earlier": past.decisions[::-1],
        "mode": body["spec"].get("mode") or "Active",
    }


def _charts(view: View, past: Past, now: float) -> list[charts.Chart | None]:
    names = [arm.name for arm in view.arms]
    decisions = past.decisions
    until = max(now, decisions[-1].at) if decisions else now
    current = ", ".join(f"{arm.name} {sentences.share(arm)}" for arm in view.arms)
    means = ", ".join(f"{arm.name} {sentences.mean(arm)}" for arm in view.arms)
    strength = ", ".join(
        f"{arm.name} {sentences.evidence(arm, view.baseline)}"
        for arm in view.arms
        if arm.name != view.baseline
    )
    return [
        charts.shares(
            charts.Words(
                "shares",
                "Weights over time",
                f"Share of the traffic that each arm is meant to have. Now: {current}.",
                "share of the traffic",
            ),
            {name: [(one.at, one.shares.get(name)) for one in decisions if one.shares] for name in names},
            until,
        ),
        charts.means(
            charts.Words(
                "means",
                "Mean reward over time",
                f"Mean reward of each arm with its central 95 % interval. Now: {means}.",
                "mean reward",
            ),
            {name: [(one.at, _report(one, name, "mean")) for one in decisions] for name in names},
            {name: [(one.at, _report(one, name, "interval")) for one in decisions] for name in names},
        ),
        charts.evidence(
            charts.Words(
                "evidence",
                "Evidence against each arm",
                f"e-value that the arm is worse than the baseline {view.baseline}. Now: {strength}.",
                "e-value, logarithmic",
            ),
            {name: [(one.at, _report(one, name, "evidence")) for one in decisions] for name in names},
            past.threshold,
        ),
    ]


def _report(decision: PastDecision, arm: str, figure: str) -> Any:
    return getattr(decision.reports.get(arm), figure, None)
