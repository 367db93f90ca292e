"""The rooms of the operator: how many, what leads where, and that the maps are true."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

from tests.support.rooms import OPERATOR, arrows, circles, reduced, rooms

MOST_ROOMS, MOST_ARROWS = 14, 45
ROOT = OPERATOR.parents[1]
PACKAGES = [(OPERATOR, "bandit_operator"), (OPERATOR / "core", "bandit_operator.core")]
ARCHITECTURE = ROOT / "docs" / "architecture.md"


def mapped(package: str) -> list[str]:
    """The rooms that a package's docstring lists, in its order."""
    text = importlib.import_module(package).__doc__ or ""
    return re.findall(r"^(\w+) {2,}\S", text, flags=re.MULTILINE)


def test_the_operator_has_few_rooms_and_few_arrows_between_them(capsys: pytest.CaptureFixture[str]) -> None:
    found = arrows(OPERATOR, "bandit_operator")
    numbers = f"{len(rooms(OPERATOR))} rooms, {len(found)} arrows, {len(circles(found))} in circles"
    with capsys.disabled():
        sys.stdout.write(f"\nthe operator has {numbers}\n")
    assert len(rooms(OPERATOR)) <= MOST_ROOMS
    assert len(found) <= MOST_ARROWS


@pytest.mark.parametrize(("folder", "package"), PACKAGES, ids=["operator", "core"])
def test_no_room_leads_back_to_itself(folder: Path, package: str) -> None:
    assert circles(arrows(folder, package)) == set()


@pytest.mark.parametrize(("folder", "package"), PACKAGES, ids=["operator", "core"])
def test_the_map_has_every_room_and_every_import_leads_down_in_it(folder: Path, package: str) -> None:
    order = mapped(package)
    assert sorted(order) == rooms(folder)
    upward = {
        (here, there) for here, there in arrows(folder, package) if order.index(here) > order.index(there)
    }
    assert upward == set()


def test_the_picture_of_the_rooms_is_drawn_from_the_code() -> None:
    drawn = set(re.findall(r"^ {4}(\w+) --> (\w+)$", ARCHITECTURE.read_text(), flags=re.MULTILINE))
    needed = reduced(arrows(OPERATOR, "bandit_operator"))
    assert drawn == needed, f"draw these arrows in {ARCHITECTURE.name}: " + ", ".join(
        f"{here} --> {there}" for here, there in sorted(needed)
    )


def test_every_folder_of_the_operator_has_its_tests() -> None:
    folders = {path.name for path in OPERATOR.iterdir() if (path / "__init__.py").exists()}
    assert {name for name in folders if not (ROOT / "tests" / name).is_dir()} == set()
