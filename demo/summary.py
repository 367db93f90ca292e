"""The last words of the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console


def summary(report: dict[str, Any], page: Path, console: Console) -> None:
    """Print who leads, what was rolled back, what was lost, and where the report is."""
    for line in lines(report, page):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def lines(report: dict[str, Any], page: Path) -> list[str]:
    """Return the summary, one line a fact."""
    facts = [f"leads        {report['leader'] or 'nobody: the story did not get so far'}"]
    for one in report["rolled_back"]:
        how = "not scaled yet"
        if one["replicas"] is not None:
            drained = "drained, then" if one["drained_before_scale"] else "NOT drained, and"
            how = f"{drained} scaled to {one['replicas']} Pods"
        facts.append(f"rolled back  {one['arm']} at tick {one['tick']}, {how}")
    facts += [f"brought back {one['arm']} at tick {one['tick']}" for one in report["restored"]]
    facts.append(
        f"requests     {report['requests_total']:,}, {report['requests_failed']} failed"
        + (f" {report['failures']}" if report["failures"] else "")
    )
    met = report["answered_with_skew"]
    if met is not None:
        facts.append(f"users met    {met:,} answers of {report['skew']['arm']} while it had the skew")
    sent, counted = report["rewards_sent"], report["rewards_counted"]
    facts.append(
        f"rewards      {sent:,} sent {'=' if sent == counted else '≠'} {counted:,} counted by the operator"
    )
    again = report["decided_again"]
    facts.append(
        f"replayed     {again['decisions']} decisions made again from the status, {again['differ']} differ"
    )
    facts.append(
        "per tick     "
        + ", ".join(
            f"{_figure(report[key])} {what}"
            for key, what in (
                ("api_reads_per_tick", "API reads"),
                ("api_writes_per_tick", "API writes"),
                ("queries_per_tick", "Prometheus queries"),
            )
        )
    )
    facts.append(f"report       {page}")
    return facts


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"
