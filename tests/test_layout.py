"""What the folders may know of each other where import-linter cannot see it: in the tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent


def imported(file: Path) -> Iterator[str]:
    """Yield the top-level package of each import of a file."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_nothing_but_its_own_tests_imports_the_demo() -> None:
    importers = {file for file in TESTS.rglob("*.py") if "demo" in imported(file)}
    assert all(TESTS / "demo" in file.parents for file in importers), importers
