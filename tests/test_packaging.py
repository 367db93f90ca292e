"""What ``pip install bandit-operator`` puts beside the packages of others."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return zipfile.ZipFile(file)


def test_wheel_installs_no_package_whose_name_could_be_another_projects(wheel: zipfile.ZipFile) -> None:
    folders = {name.split("/")[0] for name in wheel.namelist()}
    packages = {folder for folder in folders if not folder.endswith(".dist-info")}
    assert packages == {"bandit_operator", "bandit_serving", "bandit_study"}


def test_wheel_offers_the_study_as_a_command_of_the_operator(wheel: zipfile.ZipFile) -> None:
    (file,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    text = wheel.read(file).decode()
    assert "[bandit_operator.commands]\nexperiment = bandit_study.cli:main" in text
