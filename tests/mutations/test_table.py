"""The faults that can be put back are those of the table that is published, and they can be put back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.mutations.others import FAULTS
from tests.mutations.registry import Fault

PAGE = Path(__file__).parents[2] / "docs" / "promises.md"


def test_the_table_has_every_fault_in_its_words_and_each_was_found() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| ([0-9, ]+) \|$", PAGE.read_text(), flags=re.MULTILINE)
    assert [(name, what) for name, what, _ in rows] == [(one.name, one.what) for one in FAULTS]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.name)
def test_every_fault_can_still_be_put_back(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    fault.apply(monkeypatch)
