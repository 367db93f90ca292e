"""The bench of the shadow times every request and has every copy scored."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.overhead import shadow


def test_a_percentile_is_compared_by_pair_of_blocks() -> None:
    plain, shadowed = [[1.0, 1.0], [2.0, 2.0], [1.0, 1.0]], [[2.0, 2.0], [3.0, 3.0], [7.0, 7.0]]
    assert shadow.figure(0.1, 50.0, plain, shadowed) == shadow.Figure(0.1, 50.0, 2.0, 1.5, 7.0)


@pytest.mark.slow
def test_every_copy_is_scored_by_every_arm_and_compared_at_both_percentiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "RATE", 1000.0)
    plan, steps = shadow.Plan(pairs=2, block=10), list[str]()
    figures = [shadow.Figure(**one) for one in shadow.measure(tmp_path, plan, steps.append)["figures"]]
    assert [(one.share, one.percentile) for one in figures] == [(0.1, 50), (0.1, 99), (1.0, 50), (1.0, 99)]
    assert all(0 < one.lowest <= one.highest for one in figures)
    assert len(steps) == plan.steps
