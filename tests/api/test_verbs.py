"""What people ask for in annotations, and who has written the spec."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bandit_operator.api.printable import printable, printable_lines
from bandit_operator.api.verbs import LAST_VERB, RESTORE, asked_of

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b2J\x7f\r\nReady: True"
TAMED = "�]0;owned��[2J�2J���Ready: True"


def test_no_control_character_is_printed_and_every_other_one_is() -> None:
    for character in map(chr, [*range(0x20), *range(0x7F, 0xA0), 0xD800, 0xDFFF]):
        assert printable(f"a{character}b") == "a�b"
    assert printable("naïve – “quoted” 漢字") == "naïve – “quoted” 漢字"
    assert printable_lines("a\x1b\nb\r\n") == "a�\nb�\n"


def body(**changes: Any) -> dict[str, Any]:
    """A resource whose texts are all of the wicked kind."""
    verb = {"verb": EVIL[:32], "arm": EVIL, "by": EVIL, "reason": EVIL, "at": "2026-01-31T03:00:00Z"}
    return {
        "metadata": {
            "annotations": {LAST_VERB: json.dumps(verb), RESTORE: f"{EVIL}@noon"},
            "managedFields": [{"manager": EVIL, "fieldsV1": {"f:spec": {}}}],
        },
        "spec": {"pin": {"arm": "good", "reason": EVIL}},
        **changes,
    }


def test_who_asked_and_why_are_read_without_control_characters() -> None:
    asked = asked_of(body(), ["good", "bad"])
    assert asked.verb is not None
    assert (asked.verb.by, asked.verb.reason, asked.verb.arm) == (TAMED, TAMED, TAMED)
    assert (asked.writers, asked.pin_reason) == ((TAMED,), TAMED)
    [ignored] = asked.ignored
    assert printable(ignored) == ignored
    assert TAMED in ignored


@pytest.mark.parametrize("separator", ["T", "\x1b"])
def test_the_time_of_a_request_to_restore_has_no_control_characters(separator: str) -> None:
    text = f"bad@2026-01-31{separator}03:00:00Z"
    restore = asked_of(body(metadata={"annotations": {RESTORE: text}}), ["bad"]).restore
    assert restore is not None
    assert restore.text == printable(text)
