"""Which files of the repository become pages of the site, and where their links lead there.

A page is written for whoever reads it in the repository, where links are relative to its file. Links to
other pages are turned towards their places in the site. A link to any other file leads to where the sources
are published; where nobody says where that is, its words stay, without a link.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
EXAMPLES = "crds/examples"
DEFINITION = "crds/bandit-operator.dev_banditdeployments.yaml"
OTHERS = {
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "charts/bandit-operator/README.md": "chart.md",
    "cluster/README.md": "cluster.md",
}
"""Pages that lie outside of ``docs``, and their places in the site."""
SHOWN = (".md", ".png", ".svg", ".yaml")
_FENCED = re.compile(r"^(```.*?^```[^\S\n]*$)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?P<picture>!?)\[(?P<words>(?:!\[[^]]*\]\([^)]*\)|[^]])*)\]\((?P<target>[^)\s]+)\)")
_ELSEWHERE = re.compile(r"[a-z]+:|#")


class DeadLink(ValueError):
    """A link leads to a file that is not there."""


def places() -> dict[str, str]:
    """The files of the repository that are in the site, each with its place there."""
    inside = {
        file.relative_to(REPOSITORY).as_posix(): file.relative_to(REPOSITORY / "docs").as_posix()
        for file in sorted((REPOSITORY / "docs").rglob("*"))
        if file.suffix in SHOWN
    }
    return {**OTHERS, **inside}


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """Change what is no fenced block of a page."""
    parts = _FENCED.split(text)
    return "".join(part if index % 2 else change(part) for index, part in enumerate(parts))


def with_links(text: str, source: str, there: dict[str, str], published: str | None) -> str:
    """A page of the repository with its links as they must be in the site.

    Args:
        text: the page.
        source: its file, from the repository's root.
        there: the files that are in the site, each with its place.
        published: address of the published repository, if anybody says it.

    Raises:
        DeadLink: a link leads to a file that is not in the repository.
    """
    here = posixpath.dirname(there[source])

    def turned(link: re.Match[str]) -> str:
        words, target = link["words"], link["target"]
        if link["picture"] == "":
            words = _LINK.sub(turned, words)
        if _ELSEWHERE.match(target):
            return f"{link['picture']}[{words}]({target})"
        name, mark, anchor = target.partition("#")
        file = posixpath.normpath(posixpath.join(posixpath.dirname(source), name))
        if not (REPOSITORY / file).exists():
            raise DeadLink(f"{source}: {target} leads nowhere; name a file that is there")
        place = there.get(file) or _made(file)
        if place is None:
            return (
                f"[{words}]({published.rstrip('/')}/blob/HEAD/{file}{mark}{anchor})" if published else words
            )
        page, inner_mark, inner = place.partition("#")
        where = posixpath.relpath(page, here or ".")
        return f"{link['picture']}[{words}]({where}{mark or inner_mark}{anchor or inner})"

    return outside_code(text, lambda part: _LINK.sub(turned, part))


def _made(file: str) -> str | None:
    """Where a file is in the site of which a page is made; None where none is."""
    if file in (DEFINITION, EXAMPLES):
        return "reference.md" if file == DEFINITION else "examples.md"
    return f"examples.md#{posixpath.basename(file)}" if posixpath.dirname(file) == EXAMPLES else None


def examples() -> str:
    """The page of all manifests that are examples."""
    return "\n".join(_examples())


def _examples() -> Iterator[str]:
    yield "# Examples\n\nA manifest for each strategy and type of reward, and for what stands beside them.\n"
    for file in sorted((REPOSITORY / EXAMPLES).glob("*.yaml")):
        text = file.read_text(encoding="utf-8").rstrip()
        yield f"## {file.name} {{#{file.name}}}\n\n```yaml\n{text}\n```\n"
