"""The bench of the reward collector counts what it sends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.progress import Progress

from bench import collector


def test_a_batch_of_predictions_is_followed_by_their_labels() -> None:
    bodies = collector._bodies(first=10, events=40, batch=10)
    assert [kind for kind, _ in bodies] == ["predictions", "labels"] * 2
    sent = [[event["id"] for event in json.loads(body)] for _, body in bodies]
    assert sent[0] == sent[1]
    assert sent[2] == sent[3]
    assert len({*sent[0], *sent[2]}) == 20


def test_every_event_that_is_sent_is_joined_and_the_page_has_a_row_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "BUILD", tmp_path)
    row = collector.measure("SQLite", collector.BATCH, 2_000, 2, Progress(disable=True))
    assert row["ci"][0] <= row["ours"] <= row["ci"][1]
    text = collector.page([row], {collector.BATCH: 2_000, 1: 10}, 2)
    assert text.rstrip().splitlines()[-1].startswith("| SQLite, 500 in a batch, 4 connections | ≥ 5,000 | ")
