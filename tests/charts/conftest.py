"""The chart, and the helm among the tools."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.client import tools

CHART = Path(__file__).parents[2] / "charts" / "bandit-operator"


class Chart:
    """What helm makes of the chart; no cluster is asked."""

    def fails(self, *arguments: str) -> str:
        """What helm says of arguments that it must refuse."""
        done = self._helm("template", "bandit-operator", str(CHART), *arguments)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def lint(self) -> str:
        """What the strict linter says."""
        done = self._helm("lint", "--strict", str(CHART))
        assert done.returncode == 0, done.stdout
        return done.stdout

    def text(self, *arguments: str) -> str:
        """The manifests that it makes."""
        fixed = ("template", "bandit-operator", str(CHART), "--namespace", "bandit-system")
        done = self._helm(*fixed, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def only(self, template: str, *arguments: str) -> dict[str, Any]:
        """The one object that a template makes."""
        made: dict[str, Any] = yaml.safe_load(self.text("--show-only", f"templates/{template}", *arguments))
        return made

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        """All objects but the definition."""
        return [
            made for made in yaml.safe_load_all(self.text("--set", "crds.install=false", *arguments)) if made
        ]

    def find(self, kind: str, name: str, *arguments: str) -> list[dict[str, Any]]:
        """The objects of that kind and name, one a namespace."""
        return [
            made
            for made in self.objects(*arguments)
            if (made["kind"], made["metadata"]["name"]) == (kind, name)
        ]

    def notes(self, *arguments: str) -> str:
        """What the user reads after the installation."""
        fixed = ("install", "bandit-operator", str(CHART), "--namespace", "bandit-system", "--dry-run=client")
        done = self._helm(*fixed, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.partition("\nNOTES:\n")[2]

    @staticmethod
    def _helm(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(tools() / "bin" / "helm"), *arguments], capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="session")
def chart() -> Chart:
    """The chart as helm renders it."""
    return Chart()
