from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cluster.toolbox.store import BuildError
from images import release
from images.recipe import NAMES, sources

VERSION = sources(None).version


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which images are looked for; there are none yet."""
    monkeypatch.setattr(release, "FOLDER", tmp_path / "images")
    monkeypatch.setattr(release, "RELEASE", tmp_path / "release")
    (tmp_path / "images").mkdir()
    return tmp_path / "images"


def test_a_release_without_images_of_its_version_is_refused(built: Path) -> None:
    (built / "bandit-operator-0.0.1-amd64.tar").write_text("old")
    with pytest.raises(BuildError, match="run make images"):
        release.release()
    assert not (built.parent / "release").exists()


@pytest.mark.cluster
def test_a_release_has_chart_images_and_checksums_that_hold(built: Path) -> None:
    expected = {f"bandit-operator-{VERSION}.tgz", release.CHECKSUMS}
    for name in NAMES:
        for ending in ("amd64.tar", "amd64.cdx.json"):
            (built / f"{name}-{VERSION}-{ending}").write_text(ending)
            expected.add(f"{name}-{VERSION}-{ending}")
    (built / f"bandit-operator-{VERSION}0-amd64.tar").write_text("of another version")
    assert {file.name for file in release.release()} == expected
    folder = built.parent / "release"
    assert {file.name for file in folder.iterdir()} == expected
    check = ["sha256sum", "--check", "--strict", release.CHECKSUMS]
    done = subprocess.run(check, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count(": OK")) == (0, len(expected) - 1)
