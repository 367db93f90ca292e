"""A good manifest, and the tables of what makes it bad."""

from __future__ import annotations

import copy
import functools
import re
from pathlib import Path
from typing import Any

import yaml

CRDS = Path(__file__).parents[1] / "crds"


def good() -> dict[str, Any]:
    """A fresh manifest with every kind of field."""
    return copy.deepcopy(_good())


@functools.cache
def _good() -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load((CRDS / "good.yaml").read_text())
    return manifest


def bad_cases(table: str) -> list[dict[str, Any]]:
    """The cases of a table: ``case``, ``message``, and what to set, remove or update.

    ``before`` is what to set in the manifest that is there before it is updated.
    """
    cases: list[dict[str, Any]] = yaml.safe_load((CRDS / "bad" / f"{table}.yaml").read_text())
    return cases


def made_bad(manifest: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    """A copy of the manifest with what the case sets and removes by paths such as ``spec.arms[1].name``."""
    manifest = copy.deepcopy(manifest)
    for path, value in {**case.get("set", {}), **case.get("update", {})}.items():
        parent, key = _place(manifest, path)
        parent[key] = value
    for path in case.get("remove", []):
        parent, key = _place(manifest, path)
        del parent[key]
    for i in range(2, case.get("arms", 0)):
        manifest["spec"]["arms"].append({"name": f"arm-{i}", "backendRef": {"name": f"arm-{i}"}})
    return manifest


def _place(manifest: dict[str, Any], path: str) -> tuple[Any, Any]:
    keys = [int(key) if key.isdigit() else key for key in re.findall(r"[^.\[\]]+", path)]
    parent: Any = manifest
    for key in keys[:-1]:
        parent = parent[key]
    return parent, keys[-1]
