"""Writes what was measured: JSON for machines, a page with pictures for people."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bench.overhead import goals, pictures, sections
from bench.report import as_json

HEAD = """# {title}

Written by `python -m bench.overhead` ({seconds:.0f} minutes on {cores} cores): a fresh embedded cluster,
with the real etcd, kube-apiserver, kubelet, Traefik and Prometheus, and the operator from its chart with
its default values, all on one machine. What others measure on clusters of their own will be faster, not
slower: here the operator, those that it asks and the load share the same cores.

"""
PAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "overhead": ("Overhead, measured", ("latency", "shares", "reaction", "shadow")),
    "fleet": ("Many rollouts, measured", ("scale", "fleet")),
}
"""Title and parts of each page: one is written where any of its parts was measured."""
WRITERS = {
    "latency": sections.latency,
    "shares": sections.shares,
    "reaction": sections.reaction,
    "shadow": sections.shadow,
    "scale": sections.scale,
    "fleet": sections.fleet,
}


def write(parts: dict[str, Any], build: Path, docs: Path) -> list[Path]:
    """Write overhead.json under ``build``, and the pages with their pictures under ``docs``; gives the pages.

    Args:
        parts: What ``measure`` of each part has returned, by name; some may be missing.
        build: Folder for the JSON file.
        docs: Folder for the pages.
    """
    for folder in (build, docs):
        folder.mkdir(parents=True, exist_ok=True)
    text = as_json({"goals": goals.rows(parts), **parts})
    (build / "overhead.json").write_text(text, encoding="utf-8")
    pictures_of = pictures.draw(parts, docs)
    written = []
    for name, (title, members) in PAGES.items():
        own = {member: parts[member] for member in members if member in parts}
        if own:
            written.append(docs / f"{name}.md")
            written[-1].write_text(_page(title, own, pictures_of), encoding="utf-8")
    return written


def _page(title: str, parts: dict[str, Any], pictures_of: dict[str, str]) -> str:
    minutes = sum(part["seconds"] for part in parts.values()) / 60
    text = HEAD.format(title=title, seconds=minutes, cores=os.cpu_count()) + goals.table(goals.rows(parts))
    for name, part in parts.items():
        text += "\n" + WRITERS[name](part, pictures_of.get(name, ""))
    return text
