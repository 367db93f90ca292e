"""The view of one moment, on a terminal and as lines."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
from rich.console import Console

from demo.log_view import LogView
from demo.story import StepState
from demo.view import Room, bar, evidence_share, render, write_picture
from demo.view_model import ArmView, StepView, ViewModel

LOSER = ArmView("boosting", 0.05, 0.701, (0.68, 0.72), 0.001, 55.0, 60.0, "Active", "Serving", (1, 1, 1))
BASELINE = ArmView("logistic", 0.95, None, None, None, None, None, "Active", "Serving", (1, 1, 1))
MODEL = ViewModel(
    seconds=75.0,
    interval="5s",
    baseline="logistic",
    phase="Learning",
    arms=(LOSER, BASELINE),
    rate=120.0,
    requests=9000,
    failed=0,
    rewards_sent=8900,
    rewards_counted=8300,
    ticks=14,
    decision=(74.0, "WeightsMoved", "boosting 10%→5%"),
    events=((70.0, "RewardsObserved", "Prometheus has fresh rewards"),),
    steps=(
        StepView("traffic leaves boosting", StepState.DONE, 30.0),
        StepView("verdict", StepState.NOW, None),
    ),
)


def shown(model: ViewModel, columns: int = 130, lines: int = 50) -> str:
    console = Console(width=columns, record=True, file=io.StringIO())
    console.print(render(model, Room(columns, lines)))
    return console.export_text()


def test_every_number_that_decides_is_shown() -> None:
    text = shown(MODEL)
    for part in ("boosting", "5.0%", "0.701 (0.680–0.720)", "0.001", "55 of 60", "Active", "9,000 requests"):
        assert part in text


def test_a_number_that_is_not_known_is_not_zero() -> None:
    line = next(line for line in shown(MODEL).splitlines() if "logistic" in line and "95.0%" in line)
    assert "no rewards yet" in line
    assert "0.000" not in line


def test_pods_that_are_to_go_are_shown() -> None:
    draining = dataclasses.replace(LOSER, pods=(0, 1, 1))
    assert "1/1 → 0" in shown(dataclasses.replace(MODEL, arms=(draining, BASELINE)))


def test_steps_are_ticked_off_with_their_time() -> None:
    text = shown(MODEL)
    assert "✔ traffic leaves boosting 30 s" in text
    assert "▸ verdict" in text


@pytest.mark.parametrize(("share", "expected"), [(0.0, "    "), (0.5, "██  "), (1.0, "████"), (2.0, "████")])
def test_a_bar_fills_with_its_share(share: float, expected: str) -> None:
    assert bar(share, 4) == expected


def test_a_small_share_still_shows() -> None:
    assert bar(0.05, 4).strip()


def test_evidence_is_shown_on_a_log_scale_up_to_its_threshold() -> None:
    assert evidence_share(0.5, 100.0) == 0.0
    assert evidence_share(10.0, 100.0) == pytest.approx(0.5)
    assert evidence_share(1e9, 100.0) == 1.0


def test_the_picture_is_an_svg_of_the_view(tmp_path: Path) -> None:
    write_picture(MODEL, tmp_path / "demo.svg")
    picture = (tmp_path / "demo.svg").read_text()
    assert "boosting" in picture
    assert "url(http" not in picture


def test_lines_tell_only_what_is_new() -> None:
    lines = LogView()
    assert any("WeightsMoved: boosting 10%→5%" in line for line in lines.new(MODEL))
    assert lines.new(MODEL) == []


def test_lines_tell_that_an_arm_has_another_state() -> None:
    lines = LogView()
    lines.new(MODEL)
    draining = dataclasses.replace(LOSER, state="Draining", reason="WaitingForRoute")
    (line,) = lines.new(dataclasses.replace(MODEL, arms=(draining, BASELINE)))
    assert "boosting is Draining (WaitingForRoute)" in line


def test_lines_tell_events_once() -> None:
    lines = LogView()
    lines.new(MODEL)
    more = dataclasses.replace(MODEL, events=(*MODEL.events, (74.5, "WorseThanBaseline", "boosting is out")))
    (line,) = lines.new(more)
    assert line.endswith("event     WorseThanBaseline: boosting is out")


def test_lines_tell_the_counters_now_and_then() -> None:
    lines = LogView()
    lines.new(MODEL)
    (line,) = lines.new(dataclasses.replace(MODEL, seconds=95.0, failed=3))
    assert "3 failed" in line


def test_a_long_note_stays_on_its_line() -> None:
    long = dataclasses.replace(MODEL, events=((1.0, "WorseThanBaseline", "word " * 60),))
    assert "1 s WorseThanBaseline word word" in shown(long)
    assert len(shown(long).splitlines()) == len(shown(MODEL).splitlines())


def test_nothing_is_cut_on_a_terminal_of_eighty_columns_and_twenty_four_lines() -> None:
    text = shown(MODEL, 80, 24)
    for part in ("boosting", "5.0%", "0.70 ±0.02", "0.001", "55 of 60", "Active", "no rewards", "verdict"):
        assert part in text
    assert "…" not in text
    assert len(text.splitlines()) <= 24
