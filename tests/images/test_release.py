from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cluster.toolbox.store import BuildError
from images import release
from images.recipe import NAMES, sources
from tests.images.written import Written

SOURCES = sources(None)


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which images are looked for; there are none yet."""
    monkeypatch.setattr(release, "FOLDER", tmp_path / "images")
    monkeypatch.setattr(release, "RELEASE", tmp_path / "release")
    (tmp_path / "images").mkdir()
    return tmp_path / "images"


def build(folder: Path, revision: str) -> set[str]:
    """Write what a build of a commit leaves, and return the names of its files."""
    files = set()
    for name in NAMES:
        Written(folder / name).image({"a": "b"}, revision=revision)
        for ending in ("amd64.tar", "amd64.cdx.json"):
            (folder / f"{name}-{SOURCES.version}-{ending}").write_text(ending)
            files.add(f"{name}-{SOURCES.version}-{ending}")
    return files


def test_a_release_without_images_is_refused(built: Path) -> None:
    with pytest.raises(BuildError, match="run make images"):
        release.release()
    assert not (built.parent / "release").exists()


def test_a_release_with_images_of_another_commit_is_refused(built: Path) -> None:
    build(built, "0a0a0a")
    with pytest.raises(
        BuildError, match=r"bandit-operator was built of 0a0a0a, and this is .*; run make images"
    ):
        release.release()
    assert not (built.parent / "release").exists()


@pytest.mark.cluster
def test_a_release_has_chart_images_and_checksums_that_hold(built: Path) -> None:
    chart = f"bandit-operator-{SOURCES.version}.tgz"
    expected = build(built, SOURCES.revision) | {chart, release.CHECKSUMS}
    assert {file.name for file in release.release()} == expected
    folder = built.parent / "release"
    assert {file.name for file in folder.iterdir()} == expected
    check = ["sha256sum", "--check", "--strict", release.CHECKSUMS]
    done = subprocess.run(check, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count(": OK")) == (0, len(expected) - 1)
