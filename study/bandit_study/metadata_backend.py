"""Stands in for setuptools while pip fetches a source archive, so that no code of the package runs.

``pip download`` asks every source archive for its metadata, and for one without a pyproject.toml it does so
by running its setup.py through ``setuptools.build_meta``. All that is wanted here is the archive. This file
is laid out under that name on the path of pip's subprocess and answers with what the archive says of itself
in PKG-INFO (PEP 517).
"""

from __future__ import annotations

import pathlib
from typing import Any


class _Backend:
    """The hooks of PEP 517 that pip calls for metadata."""

    def get_requires_for_build_wheel(self, _settings: Any = None) -> list[str]:
        """Return what a build would need: nothing, since nothing is built."""
        return []

    def prepare_metadata_for_build_wheel(self, metadata_directory: str, _settings: Any = None) -> str:
        """Write the metadata of the archive in the working directory."""
        text = pathlib.Path("PKG-INFO").read_text()
        fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line and line[0] != " ")
        name = f"{fields['Name'].replace('-', '_')}-{fields['Version']}.dist-info"
        folder = pathlib.Path(metadata_directory) / name
        folder.mkdir()
        (folder / "METADATA").write_text(text)
        return name


__legacy__ = _Backend()  # the name that pip asks for where there is no pyproject.toml
