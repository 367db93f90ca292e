"""The bench of the shadow times every request and has every copy scored."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import shadow


def test_a_percentile_is_compared_by_pair_of_blocks() -> None:
    plain, shadowed = [[1.0, 1.0], [2.0, 2.0], [1.0, 1.0]], [[2.0, 2.0], [3.0, 3.0], [7.0, 7.0]]
    assert shadow.figure(0.1, 50.0, plain, shadowed) == shadow.Figure(0.1, 50.0, 2.0, 1.5, 7.0)


def test_every_copy_is_scored_by_every_arm_and_the_page_has_both_percentiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "RATE", 1000.0)
    figures = shadow.measure(tmp_path, pairs=2, count=10)
    assert [(one.share, one.percentile) for one in figures] == [(0.1, 50), (0.1, 99), (1.0, 50), (1.0, 99)]
    assert all(0 < one.lowest <= one.highest for one in figures)
    lines = shadow.page(figures, 2, 10).rstrip().splitlines()
    assert [line.split()[1:4:2] for line in lines[-2:]] == [["100%", "p50"], ["100%", "p99"]]
