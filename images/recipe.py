"""What is built, of which version, from which sources."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from cluster.toolbox.run import run
from cluster.toolbox.store import BuildError

REPOSITORY = Path(__file__).parents[1]
FOLDER = REPOSITORY / "build" / "images"
"""Where images are put."""
ARCHITECTURES = ("amd64", "arm64")
"""Processors that all locked packages have wheels for, by their names in OCI images."""
NAMES = {"bandit-operator": "operator/Dockerfile", "bandit-serving": "serving/Dockerfile"}
"""Names of the images, each with its Dockerfile."""
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Sources:
    """Where an image comes from, as its labels say."""

    version: str
    revision: str
    """Commit, with ``-dirty`` where files differ from it; ``unknown`` outside a clone."""
    time: int
    """When that was committed, in seconds since 1970: the time of every file in an image."""
    url: str
    """Where the sources are published; ``unknown`` unless it is said."""


def sources(url: str | None) -> Sources:
    """Return what this work tree is."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    try:
        commit, time = run(["git", "log", "-1", "--format=%H %ct"], cwd=REPOSITORY).split()
        dirty = run(["git", "status", "--porcelain"], cwd=REPOSITORY)
    except BuildError:  # an archive of the sources
        commit, time, dirty = UNKNOWN, "315532800", ""
    revision = f"{commit}-dirty" if dirty else commit
    return Sources(project["version"], revision, int(time), url or UNKNOWN)
