"""Writes what was measured: JSON for machines, a page with pictures for people."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bench.overhead import goals, pictures, sections
from bench.report import as_json

HEAD = """# Overhead, measured

Written by `python -m bench.overhead` ({seconds:.0f} minutes on {cores} cores): a fresh embedded cluster,
with the real etcd, kube-apiserver, kubelet, Traefik and Prometheus, and the operator from its chart with
its default values, all on one machine. What others measure on clusters of their own will be faster, not
slower: here the operator, those that it asks and the load share the same cores.

"""


def write(parts: dict[str, Any], build: Path, docs: Path) -> None:
    """Write overhead.json under ``build``, and overhead.md with pictures under ``docs``.

    Args:
        parts: What ``measure`` of each part has returned, by name; some may be missing.
        build: Folder for the JSON file.
        docs: Folder for the page.
    """
    for folder in (build, docs):
        folder.mkdir(parents=True, exist_ok=True)
    rows = goals.rows(parts)
    (build / "overhead.json").write_text(as_json({"goals": rows, **parts}), encoding="utf-8")
    names = pictures.draw(parts, docs)
    minutes = sum(part["seconds"] for part in parts.values()) / 60
    text = HEAD.format(seconds=minutes, cores=os.cpu_count()) + goals.table(rows)
    writers = {
        "latency": sections.latency,
        "scale": sections.scale,
        "fleet": sections.fleet,
        "shares": sections.shares,
        "reaction": sections.reaction,
    }
    for name, part in parts.items():
        text += "\n" + writers[name](part, names.get(name, ""))
    (docs / "overhead.md").write_text(text, encoding="utf-8")
