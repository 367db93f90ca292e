"""The report and the page of a run."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from bench.chaos import page
from bench.chaos.faults import FAULTS
from bench.chaos.page import FIELDS
from tests.bench.chaos.conftest import row

ROOT = Path(__file__).parents[3]


def test_every_row_of_the_report_has_what_was_asked_for(report: dict[str, Any], tmp_path: Path) -> None:
    page.write(report, tmp_path / "build", tmp_path / "docs")
    written = json.loads((tmp_path / "build" / "report.json").read_text())
    assert all(set(FIELDS) <= one.keys() for one in written["faults"])
    assert {file.name for file in (tmp_path / "docs").iterdir()} == {"chaos.md", "chaos.png"}


def test_the_page_has_a_line_and_a_section_for_each_fault_and_complete_tables(
    report: dict[str, Any],
) -> None:
    text = page.text_of(report, "chaos.png")
    for fault in FAULTS:
        assert f"\n| [{fault.name}](#{fault.name}) |" in text
        assert f"\n### {fault.name}\n" in text
    tables = [
        list(lines)
        for is_row, lines in itertools.groupby(text.splitlines(), lambda line: line.startswith("|"))
        if is_row
    ]
    assert len(tables) == 2
    for table in tables:
        assert len({line.count("|") for line in table}) == 1, table[0]


def test_a_fault_that_is_not_ok_is_reported_as_such(report: dict[str, Any]) -> None:
    report["faults"][0] = row("crash-loop", ok=False, failed_requests=7, problems=["7 requests failed"])
    text = page.text_of(report, "chaos.png")
    assert "| [crash-loop](#crash-loop) | 7 | 0 | 0 | 0 |" in text
    assert "**no**" in text
    assert "**Not ok:** 7 requests failed" in text
    assert f"| {len(FAULTS)}, of which {len(FAULTS) - 1} are as promised |" in text


def test_a_fault_that_could_not_be_played_is_shown_without_figures(
    report: dict[str, Any], tmp_path: Path
) -> None:
    kept = {"fault", "injected", "expected", "observed", "alone", "seconds", "problems", "ok"}
    report["faults"][0] = {
        key: value for key, value in row("crash-loop", ok=False, problems=["x"]).items() if key in kept
    }
    page.write(report, tmp_path, tmp_path)
    assert "| [crash-loop](#crash-loop) |  |  |  |  |  | **no** |" in (tmp_path / "chaos.md").read_text()


def test_what_ready_said_is_shortened_in_the_middle(report: dict[str, Any]) -> None:
    words = " → ".join(f"False/Reason{number} (+{number}.0 s)" for number in range(20))
    report["faults"][0] = row(FAULTS[0].name, ready_said=words)
    assert "Reason3 (+3.0 s) → … → False/Reason19 (+19.0 s)" in page.text_of(report, "chaos.png")


@pytest.mark.parametrize("name", [fault.name for fault in FAULTS])
def test_the_page_that_is_committed_has_the_fault_as_it_is_played_now(name: str) -> None:
    fault = next(one for one in FAULTS if one.name == name)
    text = (ROOT / "docs" / "chaos.md").read_text()
    section = re.search(rf"\n### {name}\n(.*?)(?=\n###|\Z)", text, re.DOTALL)
    assert section is not None, f"play it: `make chaos ARGS='--only {name}'`"
    assert f"- Injected: {fault.injected}\n- Expected: {fault.expected}\n" in section[1]
