"""The rooms of a package and the imports between them, read from the sources."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

OPERATOR = Path(__file__).parents[2] / "operator" / "bandit_operator"

Arrow = tuple[str, str]
"""(room that imports, room that is imported)."""


def rooms(folder: Path) -> list[str]:
    """Folders and modules right below a package's folder, without the package's own file."""
    found = {path.stem for path in folder.glob("*.py")} | {
        path.parent.name for path in folder.glob("*/__init__.py")
    }
    return sorted(found - {"__init__"})


def arrows(folder: Path, package: str) -> set[Arrow]:
    """Which room imports which, each pair once.

    Args:
        folder: the package's folder.
        package: its dotted name.
    """
    known = set(rooms(folder))
    found = set()
    for path in folder.rglob("*.py"):
        here = path.relative_to(folder).parts[0].removesuffix(".py")
        if here not in known:
            continue
        for target in _imports(path):
            if not target.startswith(f"{package}."):
                continue
            there = target.removeprefix(f"{package}.").split(".")[0]
            if there in known and there != here:
                found.add((here, there))
    return found


def _imports(path: Path) -> Iterator[str]:
    """Dotted names that a file imports; of ``from a import b`` a.b, which may be a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def circles(pairs: set[Arrow]) -> set[str]:
    """Rooms that lead back to themselves."""
    reach: dict[str, set[str]] = {}
    for here, there in pairs:
        reach.setdefault(here, set()).add(there)
    changed = True
    while changed:
        changed = False
        for targets in reach.values():
            further = set().union(*(reach.get(target, set()) for target in targets)) - targets
            if further:
                targets |= further
                changed = True
    return {room for room, targets in reach.items() if room in targets}


def reduced(pairs: set[Arrow]) -> set[Arrow]:
    """The arrows that are not implied by a way through other rooms."""
    direct: dict[str, set[str]] = {}
    for here, there in pairs:
        direct.setdefault(here, set()).add(there)

    def reachable(room: str) -> set[str]:
        targets = direct.get(room, set())
        return targets.union(*(reachable(target) for target in targets))

    return {
        (here, there)
        for here, there in pairs
        if not any(there in reachable(other) for other in direct[here] if other != there)
    }
