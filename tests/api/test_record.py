"""What is kept for the operator alone, in one packed field."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest

from bandit_operator.api.record import MAX_UNPACKED, packed, unpacked

FULL: dict[str, Any] = {
    "phase": "Learning",
    "arms": [{"name": "good", "weight": 9900, "template": "v1"}, {"name": "bad", "rollbacks": 2}],
    "history": [{"time": "2030-01-01T00:00:00Z", "reason": "BelowMinChange", "message": "no"}],
    "memory": {"version": 1},
}


def record(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content)).decode("ascii")


def test_what_people_do_not_read_is_one_field_and_comes_back_whole() -> None:
    stored = packed(FULL)
    assert sorted(stored) == ["arms", "phase", "record"]
    assert stored["arms"] == [{"name": "good", "weight": 9900}, {"name": "bad"}]
    assert unpacked(stored) == FULL


def test_decisions_that_are_json_already_come_back_as_they_were() -> None:
    fields = {name: value for name, value in FULL.items() if name != "history"}
    decisions = [
        {**FULL["history"][0], "message": "no share would change enough: 1 %→2 %"},
        FULL["history"][0],
    ]
    stored = packed(fields, [json.dumps(one, ensure_ascii=False).encode() for one in decisions])
    assert unpacked(stored) == {**fields, "history": decisions}


def test_what_stands_in_the_status_itself_wins() -> None:
    stored = packed(FULL)
    assert unpacked({**stored, "memory": {"version": 2}})["memory"] == {"version": 2}
    arms = [{"name": "good", "template": "v2"}, "nonsense", {"name": "new"}]
    assert unpacked({**stored, "arms": arms})["arms"] == arms


@pytest.mark.parametrize(
    "text",
    [
        5,
        "no base64!",
        base64.b64encode(b"not packed").decode(),
        record(b"[1, 2]"),
        record(b"{"),
        record(b"[" * 200_000),
        record(b'{"a": "' + b"x" * MAX_UNPACKED + b'"}'),
        record(json.dumps(FULL).encode())[:-8],
        "A" * 1_000_001,
    ],
    ids=["number", "text", "bytes", "list", "cut JSON", "deep", "a bomb", "cut", "long"],
)
def test_a_record_that_is_none_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpacked({"record": text})
