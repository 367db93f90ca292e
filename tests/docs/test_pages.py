"""What all pages have in common."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FOLDERS = "bench|charts|cluster|crds|demo|docs|operator|serving|study|testbed|tests"
NAMED = re.compile(rf"`((?:{FOLDERS})/[\w./-]+\.(?:json|md|py|svg|txt|yaml))`")
"""Files of the project, by their paths from its root."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    named = set(NAMED.findall(page.read_text(encoding="utf-8")))
    assert {name for name in named if not (ROOT / name).exists()} == set()
