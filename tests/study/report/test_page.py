"""The page has what was measured, keeps the reading, and checks it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bandit_study.errors import StudyError
from bandit_study.report import claims, pictures, tables
from bandit_study.report.figures import PATHS, Result, better
from bandit_study.report.page import READING, RESULTS, write_report


def page_with(reading: str) -> str:
    return "\n".join(["# Title", *RESULTS, READING[0], reading, READING[1], ""])


@pytest.mark.slow
def test_the_page_has_every_table_and_picture_and_only_the_results_are_replaced(
    results: list[Result], tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    page = docs / "study.md"
    page.write_text(page_with("By hand."))
    pages = write_report(results, tmp_path / "build", docs)
    first = page.read_text()
    assert first.startswith("# Title\n")
    assert "By hand." in first
    assert "| made-up | made up | 1,200 | 50.0% | 36 × 20 | accuracy |" in first
    assert "`x` of" in first
    for picture in ("gains.png", "skew.png"):
        assert f"(study/{picture})" in first
        assert (docs / "study" / picture).stat().st_size > 5_000
    write_report(results, tmp_path / "build", docs)
    assert page.read_text() == first
    details = pages[1].read_text()
    assert all(f"| {path} |" in details for path in PATHS)
    assert json.loads((tmp_path / "build" / "results.json").read_text())[0]["name"] == "made-up"


def test_pictures_can_be_read_on_a_dark_page(results: list[Result], tmp_path: Path) -> None:
    for name in pictures.draw(results, tmp_path):
        red, green, blue, alpha = np.moveaxis(np.array(Image.open(tmp_path / name).convert("RGBA")), -1, 0)
        assert (alpha == 0).mean() > 0.3, name
        dark = (alpha > 200) & (np.maximum(np.maximum(red, green), blue) < 70)
        assert dark.mean() < 0.001, name


def test_a_page_without_marks_is_refused(results: list[Result], tmp_path: Path) -> None:
    (tmp_path / "study.md").write_text("# Mine\n")
    with pytest.raises(StudyError, match="needs the lines <!-- results: begin -->"):
        write_report(results, tmp_path / "build", tmp_path)


def test_a_claim_that_does_not_hold_is_told_with_the_figures(results: list[Result], tmp_path: Path) -> None:
    mean = results[0]["measures"]["oracle"]["mean_reward"]["mean"][0]
    true = f"<!-- holds: made-up | oracle | mean_reward = {mean:.3f} -->\n"
    true += "<!-- holds: made-up | oracle | mean_reward > constant -->"
    (tmp_path / "study.md").write_text(page_with(true))
    write_report(results, tmp_path / "build", tmp_path)
    false = "<!-- holds: made-up | constant | mean_reward > oracle -->"
    (tmp_path / "study.md").write_text(page_with(false))
    with pytest.raises(StudyError, match=r"made-up \| constant \| mean_reward > oracle: the figures are"):
        write_report(results, tmp_path / "build", tmp_path)


@pytest.mark.parametrize(
    "claim", ["made-up oracle", "made-up | oracle | luck > 1", "made-up | nobody | mean_reward > 1"]
)
def test_a_claim_that_cannot_be_understood_is_refused(claim: str) -> None:
    with pytest.raises(StudyError, match="cannot be understood"):
        claims.claims(f"<!-- holds: {claim} -->")


def test_a_claim_about_a_stream_that_was_not_run_does_not_hold(results: list[Result]) -> None:
    wrong = claims.check("<!-- holds: elsewhere | oracle | mean_reward > 0.1 -->", results)
    assert wrong == ["elsewhere | oracle | mean_reward > 0.1: has not been measured"]


def test_ranks_share_ties_and_the_best_has_the_first(results: list[Result]) -> None:
    ranks = tables.mean_ranks(results[:1])
    assert min(ranks.values()) >= 1
    assert sum(ranks.values()) == pytest.approx(len(ranks) * (len(ranks) + 1) / 2)


def test_a_difference_counts_only_where_its_whole_interval_lies_on_one_side() -> None:
    assert [better(found) for found in ((1, 0.5, 2), (1, -0.5, 2), (-1, -2, -0.1), None)] == [1, 0, -1, 0]
