"""``python -m docsite``: build the site; a link inside it that leads nowhere is an error."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import click

from docsite import reference
from docsite.drawings import drawn
from docsite.pages import REPOSITORY, DeadLink, examples, places, with_links


def prepare(folder: Path, published: str | None) -> None:
    """Write what the site is built from: the settings, and under ``docs`` every page.

    Args:
        folder: where to; what is there already is deleted.
        published: address of the published repository, if anybody says it.

    Raises:
        DeadLink: a link leads to a file that is not in the repository.
    """
    shutil.rmtree(folder, ignore_errors=True)
    there = places()
    texts = {"reference.md": reference.page(), "examples.md": examples()}
    for source, place in there.items():
        if source.endswith(".md"):
            text = (REPOSITORY / source).read_text(encoding="utf-8")
            texts[place] = drawn(with_links(text, source, there, published))
        else:
            _parent(folder / "docs" / place).write_bytes((REPOSITORY / source).read_bytes())
    for place, text in texts.items():
        _parent(folder / "docs" / place).write_text(text, encoding="utf-8")
    shutil.copy(REPOSITORY / "docsite" / "style.css", folder / "docs" / "style.css")
    shutil.copy(REPOSITORY / "mkdocs.yml", folder / "mkdocs.yml")


def _parent(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def build(folder: Path, published: str | None) -> None:
    """Build the site into ``site`` of a folder.

    Raises:
        DeadLink: a link leads to a file that is not in the repository.
        CalledProcessError: the site has a link or an anchor that leads nowhere.
    """
    prepare(folder / "site-pages", published)
    shutil.rmtree(folder / "site", ignore_errors=True)
    command = [str(Path(sys.executable).with_name("zensical")), "build", "--strict"]
    subprocess.run(command, cwd=folder / "site-pages", check=True)
    shutil.move(folder / "site-pages" / "site", folder / "site")


@click.command()
@click.option("--source", envvar="SOURCE", help="Where the sources are published, for links to them.")
def main(source: str | None) -> None:
    """Build the site into build/site."""
    try:
        build(REPOSITORY / "build", source)
    except DeadLink as error:
        raise click.ClickException(str(error)) from error
    except subprocess.CalledProcessError as error:
        raise click.ClickException("the site was not built; what is wrong is above") from error
    click.echo("build/site/index.html")


if __name__ == "__main__":
    main()
