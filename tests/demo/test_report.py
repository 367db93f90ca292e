"""The report of a made-up story."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demo.outcomes import Outcomes
from demo.report import build_report, write_report
from demo.story import Moment, Story, make_steps
from demo.summary import lines
from testbed.records import parse_time
from tests.support.statuses import decision, stamp, version

SCALED: dict[str, Any] = {"actions": ["scale boosting from 1 to 0"]}


def seen(requests: str, *, weight: int = 0, accepted: bool = True) -> dict[str, Any]:
    return {
        "generation": 3,
        "accepted": accepted,
        "arms": {"boosting": {"weight": weight, "requests": requests}},
    }


def played(story: Story, *decisions: dict[str, Any]) -> Story:
    """Let the watch bring one version after the other, and note the story's moments."""
    newest: list[dict[str, Any]] = []
    for one in decisions:
        newest.insert(0, one)
        story.watched.take("banditdeployments", "MODIFIED", version(*newest[:2]))
    for second, key in enumerate(
        ("start", "left", "verdict", "drained", "scaled", "rolled back", "restored", "leads")
    ):
        story.moments[key] = Moment(parse_time(stamp(second * 3)), second)
    return story


def verdict(end: int, trials: tuple[int, int]) -> dict[str, Any]:
    return decision(end, trials, reason="RolledBack", weights={"boosting": 0, "logistic": 10000})


@pytest.fixture
def report(story: Story) -> dict[str, Any]:
    scaling = decision(15, (0, 50), seen=seen("0.0"), **SCALED)
    return build_report(played(story, decision(5, (30, 10)), verdict(10, (10, 40)), scaling), None)


def test_every_window_is_counted_though_the_status_forgets(report: dict[str, Any]) -> None:
    assert report["rewards_counted"] == 140
    assert [sum(tick["trials"].values()) for tick in report["ticks"]] == [40, 50, 50]


def test_ticks_have_what_others_read(report: dict[str, Any]) -> None:
    for tick in report["ticks"]:
        assert {"time", "window", "weights", "trials", "rewards", "reason"} <= tick.keys()


def test_the_roll_back_is_reported(report: dict[str, Any]) -> None:
    (one,) = report["rolled_back"]
    assert (one["arm"], one["tick"], one["drained_before_scale"], one["replicas"]) == ("boosting", 2, True, 0)
    assert [one["arm"] for one in report["restored"]] == ["boosting"]
    assert report["leader"] == "boosting"


@pytest.mark.parametrize("wrong", [seen("3.0"), seen("0.0", weight=1), seen("0.0", accepted=False), None])
def test_scaling_an_arm_that_had_not_drained_is_reported(story: Story, wrong: dict[str, Any] | None) -> None:
    more: dict[str, Any] = {"seen": wrong, **SCALED} if wrong else {}
    (one,) = build_report(
        played(story, decision(5, (1, 1)), verdict(10, (1, 1)), decision(15, (0, 1), **more)), None
    )["rolled_back"]
    assert not one["drained_before_scale"]


def test_every_arm_that_was_rolled_back_is_reported(story: Story) -> None:
    second = decision(20, (5, 5), reason="RolledBack", weights={"boosting": 10000, "logistic": 0})
    found = build_report(
        played(story, decision(5, (1, 1)), verdict(10, (1, 1)), decision(15, (1, 1)), second), None
    )
    assert [(one["arm"], one["tick"], one["replicas"]) for one in found["rolled_back"]] == [
        ("boosting", 2, None),
        ("logistic", 4, None),
    ]


def test_a_story_that_broke_off_has_no_leader(story: Story) -> None:
    found = build_report(story, None)
    assert (found["leader"], found["rolled_back"], found["restored"], found["ticks"]) == (None, [], [], [])


def test_what_nobody_counted_is_null(report: dict[str, Any]) -> None:
    assert report["api_reads_per_tick"] is None
    assert report["queries_per_tick"] is None


def test_other_rules_earn_what_was_measured(report: dict[str, Any]) -> None:
    outcomes = Outcomes(report)
    np.testing.assert_allclose(outcomes.fixed, 0.6)  # all windows end before it is back
    np.testing.assert_allclose(outcomes.oracle, 0.8)
    assert outcomes.gained == pytest.approx(140 * 0.4)


def test_files_are_json_and_a_page_that_needs_nothing_else(report: dict[str, Any], tmp_path: Path) -> None:
    page = write_report(report, tmp_path).read_text()
    assert json.loads((tmp_path / "report.json").read_text())["rewards_counted"] == 140
    assert page.count("data:image/svg+xml;base64,") == 3
    for outside in ('src="http', "href=", "url(", "@import"):
        assert outside not in page


def test_the_page_follows_the_colours_of_the_reader_and_says_what_to_do_next(
    report: dict[str, Any], tmp_path: Path
) -> None:
    page = write_report(report, tmp_path).read_text()
    assert "prefers-color-scheme: dark" in page
    assert re.findall(r"#[0-9a-f]{3,6}", page.partition("body {")[2].partition("data:image")[0]) == []
    named = re.findall(r"<code>(docs/[^<]+)</code>", page.partition("What to do next")[2])
    assert named
    assert all(Path(one).exists() for one in named)


def test_what_is_wider_than_a_telephone_scrolls_in_its_own_box(
    report: dict[str, Any], tmp_path: Path
) -> None:
    page = write_report(report, tmp_path).read_text()
    for wide in ("<img", "<table"):
        assert page.count(wide) == len(re.findall(rf'<div class="wide">\s*{wide}', page)) > 0


def test_nothing_that_is_not_proven_is_called_won_or_best(report: dict[str, Any], tmp_path: Path) -> None:
    page = write_report(report, tmp_path).read_text()
    words = re.sub(r"<style>.*?</style>|data:image[^\"]*", "", page, flags=re.DOTALL)
    said = "\n".join((words, *lines(report, tmp_path), *(step.text for step in make_steps())))
    assert not re.search(r"\b(won|wins?|winner)\b", said)
    assert "came back, and leads" in said


def test_a_page_is_written_also_where_nothing_happened(story: Story, tmp_path: Path) -> None:
    assert "did not come to its end" in write_report(build_report(story, None), tmp_path).read_text()


def test_the_summary_says_that_rewards_are_missing(report: dict[str, Any], tmp_path: Path) -> None:
    text = "\n".join(lines({**report, "rewards_sent": 141}, tmp_path / "report.html"))
    assert "141 sent ≠ 140 counted" in text
    assert "boosting at tick 2, drained, then scaled to 0 Pods" in text
