"""The locks say the same, and the image installs what they say."""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "operator" / "Dockerfile").read_text(encoding="utf-8")
PARTS = ("requirements-build.lock", "requirements-operator.lock")
MAKE = "; run make lock-image"


def pins(name: str) -> dict[Requirement, frozenset[str]]:
    """Return the pinned packages of a lock, each with its hashes."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.split(" --hash=") for line in text.splitlines() if line]
    return {Requirement(pin.strip()): frozenset(part.strip() for part in hashes) for pin, *hashes in lines}


def project() -> list[str]:
    """Return what the operator needs, as pyproject.toml says it."""
    parsed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed: list[str] = parsed["project"]["dependencies"]
    return needed


def versions(name: str) -> dict[str, str]:
    """Return the versions that a lock installs on this Python, by name."""
    here = [pin for pin in pins(name) if pin.marker is None or pin.marker.evaluate()]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in here}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_the_lock_pins_what_the_whole_pins(name: str) -> None:
    whole = versions("requirements.lock")
    assert versions(name).items() <= whole.items(), f"{name} differs from requirements.lock{MAKE}"
    hashes = {(pin.name, str(pin.specifier)): found for pin, found in pins("requirements.lock").items()}
    for pin, found in pins(name).items():
        assert found
        assert found == hashes[pin.name, str(pin.specifier)], pin


@pytest.mark.parametrize(
    ("name", "roots"), [("requirements-build.lock", ["hatchling"]), ("requirements-operator.lock", project())]
)
def test_a_part_of_the_lock_holds_all_that_is_needed_and_nothing_else(name: str, roots: list[str]) -> None:
    needed: set[str] = set()
    left = [Requirement(text) for text in roots]
    while left:
        one = left.pop()
        if canonicalize_name(one.name) in needed:
            continue
        needed.add(canonicalize_name(one.name))
        for text in importlib.metadata.requires(one.name) or ():
            found = Requirement(text)
            if found.marker is None or any(
                found.marker.evaluate({"extra": extra}) for extra in (*one.extras, "")
            ):
                left.append(found)
    assert versions(name).keys() == needed, MAKE


def test_the_image_has_the_python_that_the_tests_run_on_and_the_locks_are_made_for() -> None:
    (image,) = re.findall(r"^ARG PYTHON=python:(\S+)-slim$", DOCKERFILE, re.MULTILINE)
    (locked,) = re.findall(r"--python-version (\S+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert image == locked == f"{sys.version_info.major}.{sys.version_info.minor}"


def test_the_image_installs_nothing_without_a_hash_but_the_projects_own_wheel() -> None:
    commands = re.findall(r"pip (?:install|wheel) [^\\&\n]+", DOCKERFILE)
    assert len(commands) == 4
    assert all("--no-deps" in command for command in commands)
    own = [command for command in commands if "--require-hashes" not in command]
    assert [command.split()[-1] for command in own] == [".", "/wheels/*.whl"]


def test_the_image_gets_every_folder_that_its_wheel_is_made_of() -> None:
    parsed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = parsed["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    copied = set(re.findall(r"^COPY (\w+) \./\w+$", DOCKERFILE, re.MULTILINE))
    assert {package.partition("/")[0] for package in packages} == copied
