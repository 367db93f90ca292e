"""Archives are fetched without running their code, and only the expected ones are taken."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from bandit_study import metadata_backend
from bandit_study.archives import Archive, ArchiveError


def archive(content: bytes = b"content") -> Archive:
    return Archive("some-package", "0.4", "some-package-0.4.tar.gz", hashlib.sha256(content).hexdigest(), 1)


def test_the_stand_in_backend_answers_pip_without_running_setup_py(tmp_path: Path) -> None:
    text = "Metadata-Version: 1.1\nName: some-package\nVersion: 0.4\nDescription: a\n  Name: not this\n"
    (tmp_path / "PKG-INFO").write_text(text)
    (tmp_path / "setup.py").write_text("raise SystemExit('this must not run')")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import metadata_backend as m;"
        "b = m.__legacy__;"
        "print(b.get_requires_for_build_wheel({}), b.prepare_metadata_for_build_wheel('.', {}))"
    )
    command = [sys.executable, "-c", code, str(Path(metadata_backend.__file__).parent)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["[]", "some_package-0.4.dist-info"]
    assert (tmp_path / "some_package-0.4.dist-info" / "METADATA").read_text() == text


def test_an_archive_that_is_there_is_taken_if_its_hash_is_right_and_named_if_not(tmp_path: Path) -> None:
    path = tmp_path / "some-package-0.4.tar.gz"
    path.write_bytes(b"content")
    assert archive().fetch(tmp_path) == path
    with pytest.raises(ArchiveError, match=r"some-package-0\.4\.tar\.gz: SHA-256 is .*, expected"):
        archive(b"other").fetch(tmp_path)


def test_what_pip_says_is_told_when_it_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # An index that is an empty folder: pip itself answers, and nothing leaves the machine.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(ArchiveError, match=r"pip download some-package==0\.4: .*No matching distribution"):
        archive().fetch(tmp_path / "downloads")
