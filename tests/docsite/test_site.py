"""The site is whole: nothing in it leads nowhere, and a reader's browser asks nobody else for anything."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from bandit_operator.api.crd import crd
from docsite.__main__ import build
from docsite.pages import REPOSITORY, DeadLink, places, with_links

FETCHED = {
    ("script", "src"),
    ("img", "src"),
    ("link", "href"),
    ("source", "srcset"),
    ("iframe", "src"),
    ("use", "href"),
}
"""Attributes whose address a browser fetches by itself, but for a ``link`` that only names something."""
NAMES_ONLY = {"canonical", "prev", "next", "alternate", "license"}


class Page(HTMLParser):
    """What a page has: its anchors, its links, and what is fetched for it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if said.get("id"):
            self.anchors.add(str(said["id"]))
        for name, value in said.items():
            if (tag, name) in FETCHED and said.get("rel") not in NAMES_ONLY:
                self.fetched.append(str(value))
            elif (tag, name) == ("a", "href"):
                self.links.append(str(value))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docsite")
    build(folder, None)
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {file: Page(file) for file in site.rglob("*.html")}


@pytest.mark.slow
def test_every_link_inside_it_leads_to_a_file_and_an_anchor(site: Path, pages: dict[Path, Page]) -> None:
    dead = defaultdict(list)
    for file, page in pages.items():
        for link in page.links + page.fetched:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            base = site if parts.path.startswith("/") else file.parent
            target = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else file
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            if not target.exists() or (anchor and target in pages and anchor not in pages[target].anchors):
                dead[file.name].append(link)
    assert not dead


def test_a_browser_asks_no_other_host_for_anything(site: Path, pages: dict[Path, Page]) -> None:
    foreign = {address for page in pages.values() for address in page.fetched if urlsplit(address).netloc}
    styles = [file.read_text(encoding="utf-8") for file in site.rglob("*.css")]
    assert styles
    foreign |= {
        found
        for text in styles
        for found in re.findall(r"(?:url\(|@import )[\"']?((?:https?:)?//[^)\"']+)", text)
    }
    assert not foreign


def test_the_one_script_that_would_be_fetched_for_drawings_is_not_needed(
    pages: dict[Path, Page], site: Path
) -> None:
    texts = {file: file.read_text(encoding="utf-8") for file in pages}
    assert not [
        file for file, text in texts.items() if 'class="mermaid"' in text or "language-mermaid" in text
    ]
    for name in ("index.html", "concepts.html", "architecture.html"):
        assert "<svg" in texts[site / name].partition('class="drawing"')[2], name


def test_every_page_of_the_repository_is_in_the_navigation() -> None:
    def named(entry: Any) -> Iterator[str]:
        if isinstance(entry, str):
            yield entry
        else:
            for inner in entry.values() if isinstance(entry, dict) else entry:
                yield from named(inner)

    text = re.sub(r"!!python\S+", "", Path("mkdocs.yml").read_text(encoding="utf-8"))
    there = {place for place in places().values() if place.endswith(".md")} | {"reference.md", "examples.md"}
    assert sorted(named(yaml.safe_load(text)["nav"])) == sorted(there)


def paths(schema: Any, path: str) -> Iterator[str]:
    """Yield every field of a schema, as the reference names it."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from paths(field, f"{path}.{name}")
        yield from paths(field.get("items", {}), f"{path}.{name}[]")


def test_every_field_of_the_definition_has_its_place_in_the_reference(
    site: Path, pages: dict[Path, Page]
) -> None:
    parts = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    fields = {field for part in ("spec", "status") for field in paths(parts[part], part)}
    assert {"spec.arms[].backendRef.name", "spec.strategy.topTwo.beta", "status.arms[].state"} <= fields
    assert fields <= pages[site / "reference.html"].anchors
    text = (site / "reference.html").read_text(encoding="utf-8")
    assert 'default <code>"30s"</code>' in text or "default <code>&quot;30s&quot;</code>" in text
    assert "at most 20 items" in text
    assert "set exactly one of: routeRef" in text
    assert "<code>{self.baseline}</code>&quot; is not the name of an arm" in text.replace('"', "&quot;")


@pytest.mark.parametrize(
    ("link", "turned"),
    [
        ("[a](../SECURITY.md#visitors-of-the-web-page)", "[a](security.md#visitors-of-the-web-page)"),
        ("[a](adr/0010-default-strategy.md)", "[a](adr/0010-default-strategy.md)"),
        ("[a](../crds/examples/thompson.yaml)", "[a](examples.md#thompson.yaml)"),
        ("[a](../tests/conftest.py)", "[a](https://code.example/blob/HEAD/tests/conftest.py)"),
        ("[a](https://example.com) and ![b](chaos.png)", "[a](https://example.com) and ![b](chaos.png)"),
        ("[![b](chaos.png)](../README.md)", "[![b](chaos.png)](index.md)"),
        ("```\n[a](nowhere.md)\n```\n", "```\n[a](nowhere.md)\n```\n"),
    ],
)
def test_a_link_leads_to_the_same_in_the_site(link: str, turned: str) -> None:
    assert with_links(link, "docs/guards.md", places(), "https://code.example/") == turned


def test_a_link_to_the_sources_is_plain_words_where_nobody_says_where_they_are() -> None:
    assert with_links("see [`a`](../tests)", "docs/guards.md", places(), None) == "see `a`"


def test_a_page_with_a_dead_link_is_named() -> None:
    with pytest.raises(DeadLink, match=r"docs/guards.md: nowhere.py leads nowhere"):
        with_links("[a](nowhere.py)", "docs/guards.md", places(), None)


@pytest.mark.slow
def test_a_dead_anchor_fails_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("docsite.__main__.examples", lambda: "# Examples\n\n[a](guards.md#no-such-heading)\n")
    monkeypatch.setattr("docsite.__main__.drawn", lambda text: text)
    with pytest.raises(subprocess.CalledProcessError):
        build(tmp_path, None)
    assert "examples.md:3" in (said := "".join(capfd.readouterr()))
    assert "anchor does not exist" in said


def test_the_concepts_have_the_drawing_of_the_readme() -> None:
    drawings = [
        re.findall(r"```mermaid\n.*?```", (REPOSITORY / page).read_text(encoding="utf-8"), re.DOTALL)
        for page in ("README.md", "docs/concepts.md")
    ]
    assert drawings[0] == drawings[1] != []
