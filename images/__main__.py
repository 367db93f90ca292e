"""The command line: ``python -m images build`` and ``python -m images release``."""

from __future__ import annotations

import sys

import click

from cluster.toolbox.store import BuildError
from images.build import build, unpacked_bytes
from images.layout import Layout
from images.recipe import ARCHITECTURES, FOLDER, REPOSITORY, sources
from images.release import RELEASE, release

MEGABYTE = 1e6
URL = click.option("--source", envvar="SOURCE", help="Where the sources are published, for the labels.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Build the images of bandit-operator without Docker, and what a release has."""


@click.command("build")
@click.option(
    "--arch", "architectures", multiple=True, type=click.Choice(ARCHITECTURES), default=ARCHITECTURES,
    show_default=True, help="Processor that the images are for; may be repeated.",
)  # fmt: skip
@click.option(
    "--base", help="Image with Python 3.11 to build and run on, by its digest, such as"
    " python:3.11-slim@sha256:...  [default: one made here of Debian's packages]",
)  # fmt: skip
@URL
def build_images(architectures: tuple[str, ...], base: str | None, source: str | None) -> None:
    """Build every image into build/images."""
    made = sources(source)
    for folder in build(made, tuple(dict.fromkeys(architectures)), base):
        for image in Layout(folder).images():
            pulled, unpacked = image.transferred / MEGABYTE, unpacked_bytes(image) / MEGABYTE
            name = f"{folder.name}:{made.version} {image.architecture}"
            click.echo(f"{name}: {pulled:.0f} MB to pull, {unpacked:.0f} MB unpacked, {image.digest}")
    click.echo(f"in {FOLDER.relative_to(REPOSITORY)}: OCI layouts, archives to load, bills of materials")


@click.command("release")
def make_release() -> None:
    """Put chart, images, bills of materials and checksums into build/release; needs built images."""
    for file in release():
        click.echo(f"{file.stat().st_size / MEGABYTE:8.1f} MB  {file.name}")
    click.echo(f"in {RELEASE.relative_to(REPOSITORY)}")


main.add_command(build_images)
main.add_command(make_release)

if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BuildError as error:
        click.echo(f"python -m images: {error}", err=True)
        sys.exit(1)
