"""The bill of materials of an image, in CycloneDX: read from what is installed in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.parser import HeaderParser
from typing import Any
from urllib.parse import quote

from images.layout import Image

_PYTHON = re.compile(r"(^|/)[^/]+\.dist-info/METADATA$")
_DEBIAN = re.compile(r"^(\./)?var/lib/dpkg/(status|status\.d/[^/]+)$")
Component = dict[str, Any]


def bill(image: Image, name: str, version: str, url: str) -> dict[str, Any]:
    """Return what an image has, as CycloneDX 1.6, which is the same for the same image.

    Args:
        image: The image.
        name: Its name.
        version: Its version.
        url: Where its sources are, or any word where they are nowhere.
    """
    purl = f"pkg:oci/{name}@{quote(image.digest, safe='')}?arch={image.architecture}"
    described: Component = {
        "type": "container", "name": name, "version": version, "purl": purl, "bom-ref": purl,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }  # fmt: skip
    if "://" in url:
        described["externalReferences"] = [{"type": "vcs", "url": url}]
    found = {component["purl"]: component for component in _components(image)}
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"timestamp": image.config["created"], "component": described},
        "components": [found[key] for key in sorted(found)],
    }  # fmt: skip


def _components(image: Image) -> Iterator[Component]:
    for layer in image.layers():
        for member in layer:
            of_python, of_debian = _PYTHON.search(member.name), _DEBIAN.search(member.name)
            if not member.isfile() or not (of_python or of_debian):
                continue
            content = layer.extractfile(member)
            assert content is not None  # a file has content
            text = content.read().decode("utf-8", "replace")
            if of_python:
                yield _of_python(text)
                continue
            for paragraph in text.strip().split("\n\n"):
                if "\nVersion: " in paragraph:  # else it is known and not installed
                    yield _of_debian(paragraph)


def _of_python(text: str) -> Component:
    fields = HeaderParser().parsestr(text)
    name = re.sub(r"[-_.]+", "-", fields["Name"]).lower()
    component = _component("library", name, fields["Version"], f"pkg:pypi/{name}@{fields['Version']}")
    if licence := fields["License-Expression"]:
        component["licenses"] = [{"expression": licence}]
    return component


def _of_debian(text: str) -> Component:
    fields = HeaderParser().parsestr(text)
    name, version, architecture = fields["Package"], fields["Version"], fields["Architecture"]
    return _component(
        "library", name, version, f"pkg:deb/debian/{name}@{quote(version, safe='')}?arch={architecture}"
    )


def _component(kind: str, name: str, version: str, purl: str) -> Component:
    return {"type": kind, "name": name, "version": version, "purl": purl, "bom-ref": purl}
