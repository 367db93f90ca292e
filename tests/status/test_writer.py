"""What is read of a status that something else may have written."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.status.writer import conditions_in


@pytest.mark.parametrize(
    "conditions", [None, True, 7, "Ready", {"type": "Ready"}, [None, 1, {"type": []}, {}]]
)
def test_conditions_that_cannot_be_read_count_as_none(conditions: Any) -> None:
    assert conditions_in({"status": {"conditions": conditions}}) == {}
