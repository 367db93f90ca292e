"""Containers of an image with files of its own: a shell, what it is linked with, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cluster.client import ClusterError, EmbeddedCluster, Namespace

from .objects import pod

pytestmark = pytest.mark.cluster

TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"
WHO = 'while read -r key value more; do case $key in Uid:|Gid:|CapEff:) echo "$key $value";; esac; done'
IDENTITY = f"{WHO} < /proc/self/status"


@pytest.fixture(scope="module")
def rootfs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with this machine's shell; its /var/run leads out of it if followed outside."""
    folder = tmp_path_factory.mktemp("image") / "rootfs"
    shell = Path("/bin/sh").resolve()
    linked = subprocess.run(["ldd", str(shell)], capture_output=True, text=True, check=True).stdout
    for source, target in [
        (str(shell), "/bin/sh"),
        *((one, one) for one in re.findall(r"(/\S+) \(", linked)),
    ]:
        copy = folder / target.removeprefix("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)
    for name in ("etc", "run", "var", "data"):
        (folder / name).mkdir()
    (folder / "var" / "run").symlink_to("/run")
    (folder / "etc" / "image").write_text("its own\n")
    return folder


@pytest.fixture
def image(cluster: EmbeddedCluster, rootfs: Path) -> str:
    """Return the name of an image of that folder."""
    described: dict[str, Any] = {
        "rootfs": str(rootfs), "user": 1234, "entrypoint": ["sh", "-c"], "env": {"OF": "the image"},
        "workdir": "/etc",
    }  # fmt: skip
    cluster.add_image("own:1", described)
    return "own:1"


def run_to_end(space: Namespace, image: str, script: str, volumes: list[str], **security: Any) -> str:
    """Return what a script wrote in a Pod of the image."""
    mounts = [{"name": f"v{number}", "mountPath": path} for number, path in enumerate(volumes)]
    container = {
        "name": "own", "image": image, "args": [script], "volumeMounts": mounts,
        "securityContext": {"runAsNonRoot": True, **security},
    }  # fmt: skip
    emptied = [{"name": mount["name"], "emptyDir": {}} for mount in mounts]
    # Without a token, which the kubelet would have to give to the user that a Pod names.
    token = {"automountServiceAccountToken": not security}
    space.apply(pod("once", container, restartPolicy="Never", volumes=emptied, **token))
    try:
        space.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/once", "--timeout=30s")
    except ClusterError:
        pytest.fail(space.kubectl("describe", "pod", "once") + space.kubectl("logs", "once"))
    return space.kubectl("logs", "once")


def test_a_container_sees_the_files_of_its_image_and_none_of_the_machines(
    space: Namespace, image: str
) -> None:
    seen = run_to_end(space, image, "read text < image; echo $text; echo $OF; echo $PATH; echo /*", [])
    own, environment, path, top = seen.splitlines()
    assert (own, environment) == ("its own", "the image")
    assert path == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert not set(top.split()) & {"/home", "/root", "/opt", "/mnt", "/tmp"}


def test_it_runs_as_the_user_of_the_image_without_capabilities(space: Namespace, image: str) -> None:
    assert run_to_end(space, image, IDENTITY, []).splitlines() == [
        "Uid: 1234", "Gid: 1234", "CapEff: 0000000000000000",
    ]  # fmt: skip


def test_it_runs_as_the_user_that_the_pod_names(space: Namespace, image: str) -> None:
    assert run_to_end(space, image, IDENTITY, [], runAsUser=4321).splitlines()[0] == "Uid: 4321"


def test_an_image_whose_user_is_root_is_refused_where_the_pod_forbids_it(
    cluster: EmbeddedCluster, space: Namespace, rootfs: Path
) -> None:
    cluster.add_image("root:1", {"rootfs": str(rootfs), "entrypoint": ["sh"]})
    space.apply(pod("root", {"name": "own", "image": "root:1", "securityContext": {"runAsNonRoot": True}}))
    reason = "--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=CreateContainerConfigError"
    space.kubectl("wait", reason, "pod/root", "--timeout=30s")


def test_only_its_volumes_can_be_written_to(space: Namespace, image: str, rootfs: Path) -> None:
    places = ["/", "/etc", "/var", "/run", "/data", "/new/deep"]
    script = f"for d in {' '.join(places)}; do (echo x > $d/file) 2> /dev/null && echo $d; done; true"
    assert run_to_end(space, image, script, ["/data", "/new/deep"]).split() == ["/data", "/new/deep"]
    assert not list(rootfs.rglob("file"))


def test_the_token_is_found_where_a_link_of_the_image_leads(space: Namespace, image: str) -> None:
    script = f'read -r a < {TOKEN}; read -r b < {TOKEN.removeprefix("/var")}; [ "$a" = "$b" ] && echo ${{#a}}'
    assert int(run_to_end(space, image, script, [])) > 100


def test_a_command_that_is_run_in_it_later_has_its_files_and_its_user(space: Namespace, image: str) -> None:
    space.apply(pod("idle", {"name": "own", "image": image, "args": ["kill -STOP 0"]}))
    space.kubectl("wait", "--for=condition=Ready", "pod/idle", "--timeout=30s")
    answer = space.kubectl("exec", "idle", "--", "sh", "-c", f"read text < image; echo $text; {IDENTITY}")
    assert answer.splitlines()[:2] == ["its own", "Uid: 1234"]
