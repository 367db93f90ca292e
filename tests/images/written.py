"""A layout that a test writes."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from images.layout import Image, Layout

CONFIG = {"created": "2026-01-01T00:00:00Z"}
RUN = {
    "User": "65532:65532", "Env": ["PATH=/opt/bin", "MODE=a=b"], "Entrypoint": ["serve"], "Cmd": ["run"],
}  # fmt: skip


class Written:
    """A layout that a test writes, of one image."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def blob(self, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        path = self.folder / "blobs" / "sha256" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return f"sha256:{name}"

    def image(self, *layers: dict[str, str], revision: str = "") -> Image:
        """Write an image whose layers have files with these contents; ``-> PATH`` is a link."""
        listed = [
            {"digest": (digest := self.blob(layer(files))), "size": self.size(digest)} for files in layers
        ]
        labels = {"org.opencontainers.image.revision": revision}
        config = {"digest": self.json({**CONFIG, "config": {**RUN, "Labels": labels}})}
        manifest = {
            "digest": self.json({"config": config, "layers": listed}),
            "platform": {"architecture": "amd64"},
        }
        index = self.json({"manifests": [manifest]})
        (self.folder / "index.json").write_text(json.dumps({"manifests": [{"digest": index}]}))
        return Layout(self.folder).image("amd64")

    def size(self, digest: str) -> int:
        return (self.folder / "blobs" / digest.replace(":", "/")).stat().st_size

    def json(self, value: Any) -> str:
        return self.blob(json.dumps(value).encode())


def layer(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.type = tarfile.SYMTYPE if text.startswith("-> ") else tarfile.REGTYPE
            if text.startswith("-> "):
                archive.addfile(member.replace(linkname=text.removeprefix("-> "), deep=False))
                continue
            member.size, member.mode, member.uid = len(text), 0o4555, 65532
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()
