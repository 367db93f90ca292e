"""The locks say the same, and the images install what they say."""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from images.base import RUNNING

ROOT = Path(__file__).parents[1]
DOCKERFILES = {
    name: (ROOT / name / "Dockerfile").read_text(encoding="utf-8") for name in ("operator", "serving")
}
SCRIPTS = [(ROOT / "images" / name).read_text(encoding="utf-8") for name in ("packages.sh", "project.sh")]
PARTS = ("requirements-build.lock", "requirements-operator.lock", "requirements-serving.lock")
MAKE = "; run make lock-image"


def pins(name: str) -> dict[Requirement, frozenset[str]]:
    """Return the pinned packages of a lock, each with its hashes."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.split(" --hash=") for line in text.splitlines() if line]
    return {Requirement(pin.strip()): frozenset(part.strip() for part in hashes) for pin, *hashes in lines}


def project(*extras: str) -> list[str]:
    """Return what the operator needs, and what some extras do, as pyproject.toml says it."""
    said = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*said["dependencies"], *(one for extra in extras for one in said["optional-dependencies"][extra])]


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
    ("name", "roots"),
    [
        ("requirements-build.lock", ["hatchling"]),
        ("requirements-operator.lock", project("simulate")),
        ("requirements-serving.lock", project("serving")),
    ],
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


@pytest.mark.parametrize("name", PARTS)
def test_what_an_image_gets_does_not_depend_on_the_processor_that_builds_it(name: str) -> None:
    markers = {str(pin.marker) for pin in pins(name) if pin.marker is not None}
    assert all(marker.startswith("python_full_version ") for marker in markers), markers


@pytest.mark.parametrize("dockerfile", DOCKERFILES.values(), ids=DOCKERFILES)
def test_the_images_have_the_python_that_the_tests_run_on_and_the_locks_are_made_for(dockerfile: str) -> None:
    (image,) = re.findall(r"^ARG PYTHON=python:(\S+)-slim$", dockerfile, re.MULTILINE)
    (locked,) = re.findall(r"--python-version (\S+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert image == locked == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"python{image}" in RUNNING


def test_the_images_install_nothing_without_a_hash_but_the_projects_own_wheel() -> None:
    text = "".join(SCRIPTS).replace("\\\n", " ")
    commands = re.findall(r"pip (?:--python \S+ )?(?:install|wheel) .+", text)
    assert len(commands) == 4
    assert all("--no-deps" in command for command in commands)
    own = [command for command in commands if "--require-hashes" not in command]
    assert [command.split()[-1] for command in own] == [".", "/wheels/*.whl"]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_is_made_by_these_scripts_of_its_own_lock(name: str) -> None:
    commands = re.findall(r"^RUN (.*)$", DOCKERFILES[name], re.MULTILINE)
    assert commands == [f"sh packages.sh requirements-{name}.lock", "sh project.sh"]


@pytest.mark.parametrize("dockerfile", DOCKERFILES.values(), ids=DOCKERFILES)
def test_the_images_get_every_folder_that_their_wheel_is_made_of(dockerfile: str) -> None:
    parsed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = parsed["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    copied = set(re.findall(r"^COPY (\w+) \./\w+$", dockerfile, re.MULTILINE))
    assert {package.partition("/")[0] for package in packages} == copied


@pytest.mark.parametrize("dockerfile", DOCKERFILES.values(), ids=DOCKERFILES)
def test_everything_that_an_image_copies_is_in_the_context(dockerfile: str) -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile, re.MULTILINE):
        for source in line.split():
            assert any(fnmatch(source, pattern) for pattern in kept), source


@pytest.mark.parametrize("dockerfile", DOCKERFILES.values(), ids=DOCKERFILES)
def test_the_images_run_as_a_user_that_is_not_root_and_say_what_they_are(dockerfile: str) -> None:
    assert "\nUSER 65532:65532\n" in dockerfile
    for label in ("title", "description", "version", "revision", "source", "licenses"):
        assert f"org.opencontainers.image.{label}=" in dockerfile
