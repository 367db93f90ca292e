"""What is read of a status that something else may have written, and what the API server keeps of ours."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.status.writer import conditions_in, holds, lost_in


@pytest.mark.parametrize(
    "conditions", [None, True, 7, "Ready", {"type": "Ready"}, [None, 1, {"type": []}, {}]]
)
def test_conditions_that_cannot_be_read_count_as_none(conditions: Any) -> None:
    assert conditions_in({"status": {"conditions": conditions}}) == {}


@pytest.mark.parametrize(
    ("sent", "stored", "lost"),
    [
        ({"leader": "a", "winner": None}, {"leader": "a", "arms": []}, ()),
        ({"leader": "a", "cursor": "t"}, {"leader": "a"}, ("cursor",)),
        (
            {"arms": [{"name": "a"}, {"name": "b", "mean": 1}]},
            {"arms": [{"name": "a"}, {"name": "b"}]},
            ("arms", "mean"),
        ),
        ({"change": {"why": {"arm": "a"}}}, {"change": {"why": {}}}, ("change", "why", "arm")),
        ({"trials": 1.0}, {"trials": 1}, ()),
        ({"trials": 2}, None, ("trials",)),
    ],
)
def test_what_the_api_server_dropped_is_found(sent: Any, stored: Any, lost: tuple[str, ...]) -> None:
    assert lost_in(sent, stored) == lost
    assert holds(sent, lost)


@pytest.mark.parametrize(
    "sent", [{}, {"arms": None}, {"arms": []}, {"arms": [{"name": "a"}, {"mean": None}]}, {"arms": "none"}]
)
def test_a_status_without_the_field_shows_nothing_of_it(sent: Any) -> None:
    assert not holds(sent, ("arms", "mean"))
