"""The report as one HTML page that needs nothing else, from the values of report.json alone."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template
from typing import Any

from demo.outcomes import MIN_TRIALS, Outcomes, after_start
from demo.pictures import draw_all


def page_of(report: dict[str, Any]) -> str:
    """Return the page."""
    template = Template(Path(__file__).with_name("page.html").read_text())
    return template.substitute(
        headline=escape(_headline(report)),
        introduction=escape(_introduction(report)),
        facts="".join(_facts(report)),
        steps="".join(_step(report, step) for step in report["steps"]),
        pictures="".join(_pictures(report)),
        arms="".join(_arm(report, arm) for arm in report["arms"]),
        source=escape(report["data"]),
        cost=escape(_cost(report)),
        counted_how=escape(report["counted_how"]),
    )


def _headline(report: dict[str, Any]) -> str:
    best = report["skew"]["arm"]
    if report["leader"] is None:
        return f"The story of {best} did not come to its end"
    return f"{best} was rolled back, came back, and leads"


def _introduction(report: dict[str, Any]) -> str:
    skew = report["skew"]
    return (
        f"{skew['arm']} validated best of {len(report['arms'])} models, and was deployed with a mistake, on "
        f"purpose: {skew['cause']} (feature “{skew['feature']}”, factor {skew['factor']:.4g}). Its Pods were "
        f"healthy and answered in time; only the labels, which came about a second later, could tell. "
        f"bandit-operator read the rewards from Prometheus every 5 s."
    )


def _facts(report: dict[str, Any]) -> list[str]:
    sent, counted, failed = report["rewards_sent"], report["rewards_counted"], report["requests_failed"]
    facts = [
        _fact(f"{report['requests_total']:,}", "requests"),
        _fact(f"{failed:,}", "of them failed", bad=failed > 0),
        _fact(f"{counted:,} of {sent:,}", "rewards counted by the operator", bad=counted != sent),
    ]
    met = report["answered_with_skew"]
    if met is not None:
        facts.append(_fact(f"{met:,}", "answers of the broken model that users got"))
    again = report["decided_again"]
    said = f"{again['decisions'] - again['differ']} of {again['decisions']}"
    facts.append(_fact(said, "decisions came out alike when made again", bad=again["differ"] > 0))
    if _enough(report):
        outcomes = Outcomes(report)
        facts.append(_fact(f"{outcomes.gained:+,.0f}", "rewards, against always the best validated"))
        facts.append(_fact(f"{-outcomes.lost:+,.0f}", "rewards, against the oracle"))
    return facts


def _fact(figure: str, what: str, *, bad: bool = False) -> str:
    return f'<div class="{"bad" if bad else "good"}"><b>{escape(figure)}</b>{escape(what)}</div>'


def _step(report: dict[str, Any], step: dict[str, Any]) -> str:
    when = (
        "it did not come about"
        if step["time"] is None
        else f"after {after_start(report, step['time']):.0f} s"
    )
    return f"<li>{escape(step['text'])} <span>{when}</span></li>"


def _pictures(report: dict[str, Any]) -> list[str]:
    if not _enough(report):
        return []
    return [
        f'<h2>{escape(one.title)}</h2><div class="wide"><img src="{one.uri}" alt="{escape(one.title)}"></div>'
        for one in draw_all(report)
    ]


def _arm(report: dict[str, Any], arm: str) -> str:
    scores = report["arms"][arm]
    trials = sum(tick["trials"].get(arm, 0) for tick in report["ticks"])
    rewards = sum(tick["rewards"].get(arm, 0) for tick in report["ticks"])
    weights = report["ticks"][-1]["weights"] if report["ticks"] else {}
    share = weights.get(arm, 0) / max(1, sum(weights.values()))
    skewed = f"{scores['skewed']:.3f}" if arm == report["skew"]["arm"] else "–"
    cells = (
        arm, f"{scores['validated']:.3f}", f"{scores['production']:.3f}", skewed, f"{trials:,.0f}",
        f"{rewards / trials:.3f}" if trials else "–", f"{share:.1%}",
    )  # fmt: skip
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _cost(report: dict[str, Any]) -> str:
    figures = [
        (report["api_reads_per_tick"], "reads of the API server"),
        (report["api_writes_per_tick"], "writes"),
        (report["queries_per_tick"], "queries of Prometheus"),
    ]
    averages = ", ".join(
        f"{'unknown' if value is None else f'{value:.2f}'} {what}" for value, what in figures
    )
    return f"Per tick: {averages}; {len(report['ticks'])} ticks."


def _enough(report: dict[str, Any]) -> bool:
    return any(sum(tick["trials"].values()) >= MIN_TRIALS for tick in report["ticks"])
