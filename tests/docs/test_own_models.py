"""docs/own-models.md, copied as it stands and run on a cluster: it comes to a decision and moves weights."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.client import EmbeddedCluster, tools
from testbed.installation import images
from testbed.waiting import wait_until

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "docs" / "own-models.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"```(\w+)\n(.*?)```", TEXT, flags=re.DOTALL)
MODEL = Path(__file__).parent / "programs" / "spam_model.py"
BOUNDS = {"v1": 8, "v2": 5, "v3": 1}
"""From how many marks on each model calls a message spam; 5 is always right."""


def own_images() -> dict[str, dict[str, Any]]:
    """Return what the images of the page mean: models that are right in 70, 100 and 60 % of cases."""
    return {
        f"registry.example.com/spam:{arm}": {"entrypoint": [sys.executable, str(MODEL), str(bound)]}
        for arm, bound in BOUNDS.items()
    }


class Reader:
    """Somebody who goes through the page in a folder of their own."""

    def __init__(self, cluster: EmbeddedCluster, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder
        (folder / "charts").symlink_to(REPOSITORY / "charts")
        programs = folder / "bin"
        programs.mkdir()
        (programs / "helm").symlink_to(tools() / "bin" / "helm")
        (programs / "kubectl").write_text(f'#!/bin/sh\nexec "{tools()}/bin/cluster" kubectl "$@"\n')
        (programs / "kubectl").chmod(0o755)
        path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
        self.environment = {**os.environ, "PATH": path, "KUBECONFIG": str(cluster.kubeconfig)}
        self.said: list[str] = []

    def goes_through(self, blocks: list[tuple[str, str]]) -> None:
        """Write the files and type the commands, in the order of the page."""
        for language, text in blocks:
            if language == "yaml":
                (self.folder / text.split("\n", 1)[0].removeprefix("# ")).write_text(text)
            else:
                self.said.append(self._type(text))

    def knows(self, **variables: str) -> None:
        """Set what differs from reader to reader."""
        self.environment |= variables

    def _type(self, text: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=110, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader with a cluster that knows the images of the page, and nothing else of it."""
    cluster = EmbeddedCluster(tmp_path_factory.mktemp("cluster"), {**images(), **own_images()})
    try:
        cluster.up()
        yield Reader(cluster, tmp_path_factory.mktemp("reader"))
    finally:
        cluster.down()


def weights(reader: Reader) -> dict[str, int]:
    route = reader.cluster.get("httproute", "spam", "-n", "models")
    return {one["name"][-2:]: one["weight"] for one in route["spec"]["rules"][0]["backendRefs"]}


def status(reader: Reader) -> dict[str, Any]:
    found: dict[str, Any] = reader.cluster.get("bd", "spam", "-n", "models").get("status", {})
    return found


@pytest.mark.cluster
def test_the_page_as_it_stands_comes_to_a_decision_and_moves_the_weights(reader: Reader) -> None:
    first = next(at for at, (_, text) in enumerate(BLOCKS) if "$GATEWAY" in text)
    reader.goes_through(BLOCKS[:first])
    service = reader.cluster.get("service", "bandit-operator-collector", "-n", "bandit-system")
    address = f"{service['spec']['clusterIP']}:8081"
    forwarded = reader.cluster.command("forward", "127.0.0.1:0", address).stdout.strip()
    reader.knows(GATEWAY=reader.cluster.endpoints.gateway, COLLECTOR=forwarded)
    looks = next(at for at, (_, text) in enumerate(BLOCKS) if "kubectl bandit status" in text)
    reader.goes_through(BLOCKS[first:looks])

    def decided() -> bool:
        return any(float(arm.get("trials", 0)) > 0 for arm in status(reader).get("arms", []))

    def moved() -> bool:
        now = weights(reader)
        assert now["v2"] > max(now["v1"], now["v3"]), (now, status(reader).get("history", [])[:2])
        return True

    wait_until(decided, "there is a decision that stands on rewards", 60)
    wait_until(moved, "the arm that is always right has the most traffic", 60)
    reader.goes_through(BLOCKS[looks:])
    (line,) = (line for line in reader.said[-1].splitlines() if line.startswith("spam "))
    assert "v2" in line  # the column LEADER of the first command


def test_manifests_have_the_name_of_the_file_that_a_command_applies() -> None:
    named = {text.split("\n", 1)[0].removeprefix("# ") for language, text in BLOCKS if language == "yaml"}
    applied = {word for _, text in BLOCKS for word in re.findall(r"-f (\S+)", text)}
    assert named == applied


def test_the_page_has_no_block_that_the_test_does_not_run() -> None:
    assert {language for language, _ in BLOCKS} == {"yaml", "sh"}


def test_arms_of_the_resource_are_the_backends_of_the_route() -> None:
    documents = [one for language, text in BLOCKS if language == "yaml" for one in yaml.safe_load_all(text)]
    (route,) = (one for one in documents if one["kind"] == "HTTPRoute")
    (resource,) = (one for one in documents if one["kind"] == "BanditDeployment")
    backends = [one["name"] for one in route["spec"]["rules"][0]["backendRefs"]]
    assert [arm["backendRef"]["name"] for arm in resource["spec"]["arms"]] == backends
