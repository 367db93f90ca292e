"""How what is obtained and built is kept. Needs no cluster."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from cluster.toolbox.programs import Programs
from cluster.toolbox.run import run
from cluster.toolbox.store import BuildError, Store, content_key
from testbed.waiting import wait_until


def build(folder: Path, name: str) -> None:
    """Make the entry, and finish once the test has written ``finish``; says what it waits for in NAME.log."""
    store = Store(folder)

    def make(place: Path) -> None:
        (place / "half").write_text("")
        (folder / name).write_text("")
        wait_until((folder / "finish").exists, "the test lets the build finish")
        (place / "done").write_text(name)

    with (folder / f"{name}.log").open("w", buffering=1) as log, contextlib.redirect_stderr(log):
        store.entry("slow", "1", make)


def start(folder: Path, name: str) -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=build, args=(folder, name))
    process.start()
    return process


def test_killed_build_leaves_nothing_that_looks_complete(tmp_path: Path) -> None:
    store = Store(tmp_path)
    process = start(tmp_path, "first")
    wait_until((tmp_path / "first").exists, "the build has begun")
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert not store.path("slow", "1").exists()
    (tmp_path / "finish").write_text("")
    build(tmp_path, "second")
    assert sorted(os.listdir(store.path("slow", "1"))) == ["done", "half"]
    assert not list(tmp_path.glob(".making-*"))


def test_second_build_waits_and_takes_what_the_first_made(tmp_path: Path) -> None:
    first = start(tmp_path, "first")
    wait_until((tmp_path / "first").exists, "the first build has begun")
    second, log = start(tmp_path, "second"), tmp_path / "second.log"
    wait_until(lambda: log.exists() and "waiting for it" in log.read_text(), "the second build waits")
    (tmp_path / "finish").write_text("")
    for process in first, second:
        process.join()
        assert process.exitcode == 0
    assert (Store(tmp_path).path("slow", "1") / "done").read_text() == "first"
    assert not (tmp_path / "second").exists()


def test_what_is_complete_is_found_while_something_else_is_made(tmp_path: Path) -> None:
    store = Store(tmp_path)
    there = store.entry("there", "1", lambda place: (place / "done").touch())
    process = start(tmp_path, "first")
    wait_until((tmp_path / "first").exists, "the build has begun")
    assert store.entry("there", "1", lambda _: pytest.fail("made again")) == there
    os.utime(there, (0, 0))
    store.prune()
    assert there.exists(), "deleted while something was made"
    (tmp_path / "finish").write_text("")
    process.join()
    store.prune()
    assert not there.exists()


def test_what_needs_another_entry_makes_that_first(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def make(place: Path) -> None:
        inner = store.entry("inner", "1", lambda within: (within / "done").touch())
        (place / "done").hardlink_to(inner / "done")

    assert (store.entry("outer", "1", make) / "done").exists()
    assert not list(tmp_path.glob(".making-*"))


def test_failed_build_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def fail(place: Path) -> None:
        (place / "half").write_text("")
        raise BuildError("no network")

    with pytest.raises(BuildError, match="no network"):
        store.entry("slow", "1", fail)
    assert os.listdir(tmp_path) == ["lock"]


def test_key_changes_with_content_and_name_of_files(tmp_path: Path) -> None:
    file, other = tmp_path / "a", tmp_path / "b"
    file.write_text("one")
    other.write_text("one")
    keys = {content_key(["x"], [file]), content_key(["x"], [other]), content_key(["y"], [file])}
    file.write_text("two")
    keys.add(content_key(["x"], [file]))
    assert len(keys) == 4


def test_cluster_does_without_nft_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    assert Programs(Store(tmp_path)).nft() is None
    assert "no nft: a simple proxy stands in for kube-proxy" in capsys.readouterr().err


def test_load_generator_is_made_only_for_those_who_ask_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("gateway_api", "traefik", "nft", "helm", "prometheus", "cluster", "vegeta"):
        folder = tmp_path / f"{name}-1"
        folder.mkdir()
        (folder / name).write_text("")
        monkeypatch.setattr(Programs, name, lambda _, folder=folder: folder)
    store = Store(tmp_path)
    usual, asked = Programs(store).tools(), Programs(store).tools(["vegeta"])
    assert not (usual / "bin/vegeta").exists()
    assert (asked / "bin/vegeta").exists()
    assert {file.name for file in (usual / "bin").iterdir()} < {
        file.name for file in (asked / "bin").iterdir()
    }


def test_failed_command_is_quoted_with_the_end_of_its_output() -> None:
    with pytest.raises(BuildError, match=r"this command failed: sh -c 'echo why >&2; exit 3'\nwhy"):
        run(["sh", "-c", "echo why >&2; exit 3"])
    with pytest.raises(BuildError, match="nowhere-to-be-found: no such program"):
        run(["nowhere-to-be-found"])
