"""The page of the profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.profile import page, steps


def line(resources: int, weights: str) -> dict[str, Any]:
    return {
        "resources": resources, "weights": weights, "ticks": 6.0, "samples": 12, "ms": 8.0, "writes": None,
        "steps": {"learn": 6.0, steps.LOOP: 2.0}, "functions": {"core/learn.py:learn": 6.5},
    }  # fmt: skip


def test_the_page_has_every_line_and_each_step_that_was_seen(tmp_path: Path) -> None:
    page.write([line(1, "rest"), line(1000, "rest")], tmp_path)
    text = (tmp_path / "profile.md").read_text(encoding="utf-8")
    assert "| 1, rest | 1,000, rest |" in text
    assert "| learn | memory and inference: posterior, e-values, breaks, half-lives | 6.00 | 6.00 |" in text
    assert "| **all** | | **8.00** | **8.00** |" in text
    assert "`core/learn.py:learn` | 6.50 |" in text
    assert "election" not in text
    assert (tmp_path / page.PICTURE).stat().st_size > 0


def test_every_step_has_a_meaning() -> None:
    assert set(page.MEANINGS) == {step for step, _ in steps.STEPS} | {steps.LOOP}
