"""A cache folder whose entries are complete or absent, whatever interrupts their making."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

UNUSED_SECONDS = 30 * 24 * 3600
"""Entries that no build asked for in this time are deleted."""


class BuildError(Exception):
    """Something that the user can fix; the message says how."""


def cache_folder() -> Path:
    """Return the project's cache folder: ``BANDIT_CACHE``, or one in ``XDG_CACHE_HOME`` or ``~/.cache``."""
    if chosen := os.environ.get("BANDIT_CACHE"):
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "bandit-operator"


def content_key(parts: Iterable[str], files: Iterable[Path] = ()) -> str:
    """Return a short hash of some texts, and of the names and contents of some files."""
    digest = hashlib.sha256()
    for part in [*parts, os.uname().machine]:
        digest.update(part.encode() + b"\0")
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


class Store:
    """Entries ``NAME-KEY``, each made in a folder beside it that is renamed when complete."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._locked = False

    def path(self, name: str, key: str) -> Path:
        """Return where an entry is, or will be."""
        return self.folder / f"{name}-{key}"

    def entry(self, name: str, key: str, make: Callable[[Path], None]) -> Path:
        """Return the entry, made by ``make(folder)`` if there is none.

        One is made at a time: another process waits. What is complete is found without waiting.
        """
        path = self.path(name, key)
        if not path.exists():
            with self._lock():
                if not path.exists():  # nor has whoever was waited for made it
                    self._make(path, self.folder / f".making-{name}", make)
        os.utime(path)  # the time of its last use, by which it is kept
        return path

    def prune(self) -> None:
        """Delete entries that have not been used for long, unless something is being made."""
        with self._lock(wait=False) as locked:
            for path in self.folder.glob("*-*") if locked else ():
                if time.time() - path.stat().st_mtime > UNUSED_SECONDS:
                    remove(path)

    @staticmethod
    def _make(path: Path, making: Path, make: Callable[[Path], None]) -> None:
        making.mkdir()
        try:
            make(making)
            making.rename(path)
        finally:
            remove(making)

    @contextmanager
    def _lock(self, *, wait: bool = True) -> Iterator[bool]:
        """Hold the store, also within itself, or say that another process does; ends with the process."""
        if self._locked:
            yield True
            return
        with (self.folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not wait:
                    yield False
                    return
                print("another build is running; waiting for it", file=sys.stderr)
                fcntl.flock(file, fcntl.LOCK_EX)
            for interrupted in self.folder.glob(".making-*"):
                remove(interrupted)
            self._locked = True
            try:
                yield True
            finally:
                self._locked = False


def remove(folder: Path) -> None:
    """Delete a folder, also one with write-protected folders in it."""
    for root, _, _ in os.walk(folder):
        Path(root).chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)
