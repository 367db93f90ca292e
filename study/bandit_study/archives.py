"""Fetches an archive from the package registry, without running any code of the package."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bandit_study import metadata_backend
from bandit_study.cache import file_digest

DOWNLOAD_SECONDS = 300


class ArchiveError(Exception):
    """An archive is not available, or is another one than expected; the text says which and why."""


@dataclasses.dataclass(frozen=True)
class Archive:
    """One file of the package registry."""

    package: str
    """Name of the package."""
    version: str
    """Its version."""
    file: str
    """Name of the archive: a source archive (.tar.gz) or a wheel for any platform (.whl)."""
    sha256: str
    """Hash that it must have, in hexadecimal."""
    megabytes: int
    """Its size, for the person who waits."""

    def fetch(self, folder: Path) -> Path:
        """Fetch it with pip, as that is configured on this machine.

        Args:
            folder: Where the archive goes.

        Returns:
            Path of the archive, whose hash is the expected one.

        Raises:
            ArchiveError: pip failed or took too long (the text ends with its own last line), or the hash is
                another one.
        """
        path = folder / self.file
        if not path.exists():
            self._download(folder)
        digest = file_digest(path)
        if digest != self.sha256:
            raise ArchiveError(
                f"{path}: SHA-256 is {digest}, expected {self.sha256}; delete the file to fetch it again"
            )
        return path

    def _download(self, folder: Path) -> None:
        # An absolute path: pip runs the hooks in the folder of the unpacked archive.
        stand_in = folder.resolve() / "backend" / "setuptools"
        stand_in.mkdir(parents=True, exist_ok=True)
        (stand_in / "__init__.py").touch()
        shutil.copy(metadata_backend.__file__, stand_in / "build_meta.py")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--no-build-isolation"]
        command += ["--no-binary" if self.file.endswith(".tar.gz") else "--only-binary", self.package]
        command += ["--dest", str(folder), f"{self.package}=={self.version}"]
        environment = {**os.environ, "PYTHONPATH": str(stand_in.parent), "PIP_USE_PEP517": "1"}
        try:
            result = subprocess.run(
                command,
                env=environment,
                capture_output=True,
                text=True,
                timeout=DOWNLOAD_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ArchiveError(f"pip download {self.package}=={self.version}: {error}") from error
        if result.returncode or not (folder / self.file).exists():
            last = (result.stderr.strip() or result.stdout.strip()).splitlines()[-1:]
            raise ArchiveError(f"pip download {self.package}=={self.version}: {' '.join(last)}")
