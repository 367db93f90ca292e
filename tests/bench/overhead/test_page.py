"""The page and its JSON are made from whatever was measured."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from bench.overhead import goals, page, wording
from bench.overhead.goals import rows
from bench.overhead.page import PAGES

SECTIONS = {
    "latency": "## Requests",
    "scale": "## What a tick costs",
    "fleet": "## Many resources, divided",
    "shares": "## What a small arm gets",
    "reaction": "## From a broken model to its route",
    "shadow": "## What a shadow costs served requests",
}
WITHOUT_PICTURE = ("fleet", "shadow")


def pages_in(folder: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(folder.glob("*.md")))


@pytest.mark.parametrize(
    "names", [names for n in (0, 1, 5, 6) for names in itertools.combinations(SECTIONS, n)]
)
def test_the_page_has_a_section_for_each_part_that_is_there_and_a_picture_where_it_has_one(
    names: tuple[str, ...], parts: dict[str, Any], tmp_path: Path
) -> None:
    page.write({name: parts[name] for name in names}, tmp_path / "build", tmp_path / "docs")
    text = pages_in(tmp_path / "docs")
    assert {name for name, title in SECTIONS.items() if title in text} == set(names)
    pictures = {f"overhead-{name}.png" for name in names if name not in WITHOUT_PICTURE}
    pages = {"fleet.md" if name in ("scale", "fleet") else "overhead.md" for name in names}
    assert {path.name for path in (tmp_path / "docs").iterdir()} == pages | pictures
    assert all(f"({picture})" in text for picture in pictures)


def test_replicas_that_did_not_keep_up_are_said_to_have_not(parts: dict[str, Any], tmp_path: Path) -> None:
    page.write({"fleet": parts["fleet"]}, tmp_path, tmp_path)
    assert "did not keep up" not in pages_in(tmp_path)
    parts["fleet"]["ticks"] = 4000.0
    page.write({"fleet": parts["fleet"]}, tmp_path, tmp_path)
    assert "**They did not keep up**: 40% of the ticks happened in time" in pages_in(tmp_path)


def test_the_json_holds_the_goals_and_everything_that_was_measured(
    parts: dict[str, Any], tmp_path: Path
) -> None:
    page.write(parts, tmp_path, tmp_path)
    written = json.loads((tmp_path / "overhead.json").read_text())
    assert written.keys() == {"goals", *SECTIONS}
    assert written["scale"] == parts["scale"]
    assert all(goal["met"] is True for goal in written["goals"])


def test_every_table_is_complete(parts: dict[str, Any], tmp_path: Path) -> None:
    page.write(parts, tmp_path, tmp_path)
    tables = [
        list(lines)
        for is_row, lines in itertools.groupby(
            pages_in(tmp_path).splitlines(), lambda line: line.startswith("|")
        )
        if is_row
    ]
    assert len(tables) == len(PAGES) + len(SECTIONS) + 1  # of the better model
    for table in tables:
        assert len({line.count("|") for line in table}) == 1, table[0]


def test_an_operator_that_is_too_slow_is_reported(parts: dict[str, Any], tmp_path: Path) -> None:
    line = wording.line_of(parts["scale"], 1000, 10, "settled")
    assert line is not None
    late = line | {"ticks": 0.6 * line["ticks"], "lag_p99": 7.5}
    parts["scale"]["lines"] = [late if one == line else one for one in parts["scale"]["lines"]]
    page.write(parts, tmp_path, tmp_path)
    assert "**It did not keep up**: 60% of the ticks" in pages_in(tmp_path)
    missed = [one["row"] for one in rows(parts) if not one["met"]]
    assert missed == [
        "share of ticks that were missed, 1,000 resources at 10 s",
        "how late 99 % of the ticks begin at most, 1,000 resources at 10 s, seconds",
    ]


def test_ticks_that_catch_up_are_not_held_to_what_a_tick_may_take(parts: dict[str, Any]) -> None:
    slow = {"ticks": 100.0, "queries": 5.0, "api_writes": 4.0}
    lines = parts["scale"]["lines"]
    parts["scale"]["lines"] = [line | slow if line["weights"] == "moving" else line for line in lines]
    found = {one["row"]: one for one in rows({"scale": parts["scale"]})}
    assert found["queries to Prometheus in a tick, worst case"]["ours"] == 1.0
    assert "writes to the API server in a tick that moves weights" not in found


def test_a_request_that_failed_misses_the_goal(parts: dict[str, Any]) -> None:
    parts["latency"]["rounds"][0]["moved"]["failed"] = 1
    failed, *_ = rows({"latency": parts["latency"]})
    assert failed["met"] is False
    assert "| none | 1 |  | **no** |" in goals.table([failed])


def test_a_tick_costs_what_the_operator_takes_beyond_its_idle_self(parts: dict[str, Any]) -> None:
    line = wording.line_of(parts["scale"], 1000, 10, "settled")
    assert line is not None
    assert wording.milliseconds_a_tick(parts["scale"], line) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (None, 2, ""), (0.0, 2, "0"), (0.01234, 2, "0.012"), (3.14159, 2, "3.1"), (12.3, 2, "12"),
        (1234.5, 2, "1,234"), (12.34, 3, "12.3"), (float("inf"), 2, "more"), (-0.5, 2, "-0.5"),
        (1e-5, 2, "1e-05"),
    ],
)  # fmt: skip
def test_figures_are_as_long_as_they_are_exact(value: float | None, digits: int, text: str) -> None:
    assert wording.number(value, digits) == text


def test_decisions_that_differ_when_made_again_break_a_promise(parts: dict[str, Any]) -> None:
    def broken() -> list[str]:
        return [one["row"] for one in rows(parts) if not one["met"]]

    assert not broken()
    parts["scale"]["lines"][-1]["replayed"]["differ"] = 1
    (said,) = broken()
    assert said == (
        "of 22,020 decisions on record, of up to 1,000 resources, those that differ when made again"
    )
