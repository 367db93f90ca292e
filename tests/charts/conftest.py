"""The chart, and the helm program that the embedded cluster's tools include."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "bandit-operator"


class Helm:
    """Runs helm on the chart."""

    def __init__(self, program: str) -> None:
        self.program = program

    def try_(self, *arguments: str, kubeconfig: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run helm, whatever comes of it."""
        environment = {**os.environ, **({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {})}
        return subprocess.run([self.program, *arguments], capture_output=True, text=True, env=environment)

    def run(self, *arguments: str, kubeconfig: Path | None = None) -> str:
        """Run helm and return what it prints; it must succeed."""
        done = self.try_(*arguments, kubeconfig=kubeconfig)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def template(self, *arguments: str) -> str:
        """Return the manifests that the chart makes, without the definition."""
        fixed = ("template", "bandit-operator", str(CHART), "--namespace", "bandit-system")
        return self.run(*fixed, "--set", "crds.install=false", *arguments)

    def objects(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """Return the objects that the chart makes by ``Kind/name`` (and namespace, where two have one name)."""
        objects: dict[str, dict[str, Any]] = {}
        for item in yaml.safe_load_all(self.template(*arguments)):
            if item:
                key = f"{item['kind']}/{item['metadata']['name']}"
                if key in objects:
                    key += f"/{item['metadata']['namespace']}"
                objects[key] = item
        return objects


@pytest.fixture(scope="session")
def helm() -> Helm:
    """Return helm: the program that HELM names, or the one among the embedded cluster's tools."""
    program = os.environ.get("HELM")
    if program is None:
        build = [sys.executable, str(ROOT / "cluster" / "build.py")]
        tools = subprocess.run(build, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        program = f"{tools}/bin/helm"
    return Helm(program)
