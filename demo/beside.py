"""The reports of both stories side by side: without a shadow, and with one."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from demo.outcomes import after_start

SHADOW_FOLDER = "shadow"
"""Below the folder of the story without one."""
_ROWS = (
    ("answers of the broken model that users got", "answered_with_skew"),
    ("requests", "requests_total"),
    ("of them failed", "requests_failed"),
    ("rewards counted by the operator", "rewards_counted"),
)


def write_beside(folder: Path) -> Path:
    """Write beside.html from the reports that are there; returns its path."""
    template = Template(Path(__file__).with_name("beside.html").read_text())
    files = {"without a shadow": "report", "with a shadow": f"{SHADOW_FOLDER}/report"}
    reports = {
        name: json.loads((folder / f"{file}.json").read_text())
        for name, file in files.items()
        if (folder / f"{file}.json").exists()
    }
    page = folder / "beside.html"
    page.write_text(
        template.substitute(
            head="".join(f"<th>{escape(name)}</th>" for name in reports),
            rows="".join(_rows(list(reports.values()))),
            missing="" if len(reports) == len(files) else "<p>Run <code>make demo</code> for the other.</p>",
            frames="".join(
                f'<iframe src="{files[name]}.html" title="Report {escape(name)}"></iframe>'
                for name in reports
            ),
        )
    )
    return page


def _rows(reports: list[dict[str, Any]]) -> list[str]:
    rows = [(text, [report.get(key) for report in reports]) for text, key in _ROWS]
    rows.append(("seconds until the verdict", [_seconds(report, "verdict") for report in reports]))
    rows.append(("seconds until it leads, mended", [_seconds(report, "leads") for report in reports]))
    return [
        f"<tr><td>{escape(text)}</td>{''.join(f'<td>{_figure(value)}</td>' for value in values)}</tr>"
        for text, values in rows
    ]


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _seconds(report: dict[str, Any], key: str) -> float | None:
    time = next((step["time"] for step in report["steps"] if step["step"] == key), None)
    return None if time is None else after_start(report, time)
