"""What no linter holds: who imports the demo, and how docstrings are written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import durations

TESTS = Path(__file__).parent
REPOSITORY = TESTS.parent
FOLDERS = (
    "bench", "cluster", "demo", "docsite", "images", "monitoring", "operator", "serving", "study", "testbed",
    "tests",
)  # fmt: skip


def imported(file: Path) -> Iterator[str]:
    """Yield the top-level package of each import of a file."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_nothing_but_its_own_tests_imports_the_demo() -> None:
    files = (file for folder in FOLDERS for file in (REPOSITORY / folder).rglob("*.py"))
    importers = {file for file in files if "demo" in imported(file)}
    own = {file for file in importers if {REPOSITORY / "demo", TESTS / "demo"} & {*file.parents}}
    assert own
    assert importers == own


def texts(file: Path) -> Iterator[str]:
    """Yield docstrings and the strings under fields; not those that a command line prints as they are."""
    source = file.read_text()
    tree = ast.parse(source)
    printed = {
        id(function.body[0])
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        and any(
            "command" in ast.unparse(mark) or "group" in ast.unparse(mark) for mark in function.decorator_list
        )
    }
    if "__doc__" in source:
        printed.add(id(tree.body[0]))
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and id(node) not in printed:
            yield str(node.value.value)


OTHER_DIALECT = re.compile(r"^\s*(Attributes:$|:(param|raises|returns?)\b)|(?<!`)`(?!`)", re.MULTILINE)
REFERENCE = re.compile(r":(class|data|func|meth|mod):`[^`]+`")


@pytest.mark.parametrize("folder", FOLDERS)
def test_docstrings_have_one_dialect(folder: str) -> None:
    """Strings under fields, ``Args:`` and ``Raises:``, code in double backticks."""
    wrong = [
        f"{file.relative_to(REPOSITORY)}: {text[:60]}"
        for file in (REPOSITORY / folder).rglob("*.py")
        for text in texts(file)
        if OTHER_DIALECT.search(REFERENCE.sub("", text))
    ]
    assert not wrong, "\n".join(wrong)


PROSE_AFTER_SECTION = re.compile(
    r"^( *)(?:Args|Raises|Returns):\n(?:\1 +.*\n|\n(?=\1 ))+\n\1(?!Args:|Raises:|Returns:|Yields:)\S", re.M
)


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_a_docstring_says_of_the_whole_stands_before_its_arguments(folder: str) -> None:
    """After them it reads as if it were about the last of these."""
    wrong = [
        f"{file.relative_to(REPOSITORY)}: {text[:60]}"
        for file in (REPOSITORY / folder).rglob("*.py")
        for text in texts(file)
        if PROSE_AFTER_SECTION.search(text)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_test_that_is_called_slow_is_there() -> None:
    gone = []
    for name in durations.listed():
        path, *names = name.split("::")
        text = (REPOSITORY / path).read_text(encoding="utf-8") if (REPOSITORY / path).exists() else ""
        if not names[-1].startswith("runTest") and f"def {names[-1]}(" not in text:
            gone.append(name)
    assert gone == []
