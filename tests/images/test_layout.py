from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from images.layout import Layout
from images.materials import bill
from tests.images.written import Written

METADATA = "opt/lib/site-packages/{0}-{1}.dist-info/METADATA"


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path / "layout")


def test_an_upper_layer_replaces_and_removes_what_is_below(written: Written, tmp_path: Path) -> None:
    image = written.image(
        {"etc/kept": "1", "etc/changed": "1", "etc/gone": "1", "etc/dir/gone": "1", "all/gone": "1"},
        {"etc/changed": "22", "etc/.wh.gone": "", "etc/.wh.dir": "", "all/.wh..wh..opq": "", "all/new": "1"},
    )
    image.unpack(tmp_path / "root")
    found = {
        str(p.relative_to(tmp_path / "root")): p.read_text()
        for p in (tmp_path / "root").rglob("*")
        if p.is_file()
    }
    assert found == {"etc/kept": "1", "etc/changed": "22", "all/new": "1"}


def test_files_become_the_users_own_and_lose_the_bits_that_change_users(
    written: Written, tmp_path: Path
) -> None:
    written.image({"bin/program": "x"}).unpack(tmp_path / "root")
    state = (tmp_path / "root/bin/program").stat()
    assert (state.st_mode & 0o7777, state.st_uid) == (0o755, tmp_path.stat().st_uid)


def test_a_layer_cannot_write_through_a_link_that_leaves_the_image(written: Written, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    image = written.image({"var/run": f"-> {outside}", "var/run/file": "x"})
    with pytest.raises(tarfile.OutsideDestinationError):
        image.unpack(tmp_path / "root")
    assert not list(outside.iterdir())


def test_the_runtime_is_told_what_the_configuration_says(written: Written) -> None:
    assert written.image({"a": "b"}).described_for_runtime(Path("/root")) == {
        "rootfs": "/root", "user": 65532, "workdir": "", "entrypoint": ["serve"], "cmd": ["run"],
        "env": {"PATH": "/opt/bin", "MODE": "a=b"},
    }  # fmt: skip


def test_an_image_for_another_processor_is_missed_by_name(written: Written) -> None:
    written.image({"a": "b"})
    with pytest.raises(KeyError, match="no image for arm64"):
        Layout(written.folder).image("arm64")


def test_the_archive_has_every_blob_and_the_name_for_containerd_and_docker(
    written: Written, tmp_path: Path
) -> None:
    image = written.image({"a": "b"}, {"c": "d"})
    for name in ("one.tar", "two.tar"):
        image.archive("bandit-operator:0.1.0", tmp_path / name)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as archive:
        content = {member.name: archive.extractfile(member).read() for member in archive}
    (listed,) = json.loads(content["index.json"])["manifests"]
    assert listed["annotations"]["io.containerd.image.name"] == "docker.io/library/bandit-operator:0.1.0"
    (docker,) = json.loads(content["manifest.json"])
    assert docker["RepoTags"] == ["bandit-operator:0.1.0"]
    for path in [docker["Config"], *docker["Layers"], f"blobs/{listed['digest'].replace(':', '/')}"]:
        assert hashlib.sha256(content[path]).hexdigest() == Path(path).name


def test_the_bill_of_materials_lists_what_is_installed(written: Written) -> None:
    image = written.image(
        {
            "var/lib/dpkg/status.d/libc6": "Package: libc6\nVersion: 1:2.36+a\nArchitecture: amd64\n",
            METADATA.format("Ruamel.Yaml", "1.0"): "Name: Ruamel.Yaml\nVersion: 1.0\n\nVersion: none\n",
        },
        {
            METADATA.format("attrs", "2"): "Name: attrs\nVersion: 2\nLicense-Expression: MIT\n\ntext",
            "opt/lib/site-packages/attrs-2.dist-info/RECORD": "x",
        },
    )
    made = bill(image, "bandit-operator", "0.1.0", "https://example.com/sources")
    assert [one["purl"] for one in made["components"]] == [
        "pkg:deb/debian/libc6@1%3A2.36%2Ba?arch=amd64", "pkg:pypi/attrs@2", "pkg:pypi/ruamel-yaml@1.0",
    ]  # fmt: skip
    assert made["components"][1]["licenses"] == [{"expression": "MIT"}]
    assert made["metadata"]["component"]["externalReferences"] == [
        {"type": "vcs", "url": "https://example.com/sources"}
    ]


def test_a_package_that_dpkg_knows_and_that_is_not_installed_is_not_listed(written: Written) -> None:
    status = "Package: a\nStatus: unknown\n\nPackage: b\nVersion: 2\nArchitecture: all\n"
    made = bill(written.image({"./var/lib/dpkg/status": status}), "name", "1", "unknown")
    assert [one["name"] for one in made["components"]] == ["b"]
    assert "externalReferences" not in made["metadata"]["component"]
