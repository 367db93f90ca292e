from __future__ import annotations

import json
import subprocess

import pytest

from cluster.client import EmbeddedCluster, Namespace, tools
from testbed.waiting import wait_until

from .objects import deployment, pod, server, shell
from .processes import namespaces, part

pytestmark = pytest.mark.cluster


def wait_for_pod(space: Namespace, name: str) -> None:
    space.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=30s")


def wait_for_end(space: Namespace, name: str) -> None:
    ended = "--for=jsonpath={.status.phase}=Succeeded"
    space.kubectl("wait", ended, f"pod/{name}", "--timeout=30s")


def run_to_end(space: Namespace, script: str, **more: object) -> str:
    """Return what a script wrote in a Pod of its own."""
    space.apply(pod("once", shell(script, **more), restartPolicy="Never"))
    wait_for_end(space, "once")
    return space.kubectl("logs", "once")


def test_deployment_is_rolled_and_scaled(space: Namespace) -> None:
    def settle(replicas: int, name: str) -> None:
        space.apply(deployment("web", replicas, server(name)))
        space.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
        wait_until(lambda: names() == [name] * replicas, f"{replicas} Pods of {name}")

    def names() -> list[str]:
        pods = space.get("pods", "-l", "app=web")["items"]
        return [p["spec"]["containers"][0]["env"][0]["value"] for p in pods]

    for replicas, name in [(1, "first"), (3, "first"), (3, "second"), (0, "second"), (2, "second")]:
        settle(replicas, name)


def test_pod_is_ready_only_while_its_probe_succeeds(space: Namespace) -> None:
    space.apply(pod("web", server("web")))
    wait_for_pod(space, "web")
    put(space, "web", "/ready?503")
    space.kubectl("wait", "--for=condition=Ready=false", "pod/web", "--timeout=30s")


def test_failing_liveness_probe_restarts_the_container(space: Namespace) -> None:
    probe = {"httpGet": {"path": "/alive", "port": "http"}, "periodSeconds": 1, "failureThreshold": 1}
    space.apply(pod("web", server("web", livenessProbe=probe)))
    wait_for_pod(space, "web")
    put(space, "web", "/alive?500")
    restarts = "--for=jsonpath={.status.containerStatuses[0].restartCount}=1"
    space.kubectl("wait", restarts, "pod/web", "--timeout=30s")
    wait_for_pod(space, "web")
    assert space.kubectl("logs", "web", "--previous") == "serving as web\nstopping\n"
    assert space.kubectl("logs", "web") == "serving as web\n"


def put(space: Namespace, name: str, path: str) -> None:
    program = f"from urllib.request import *; urlopen(Request('http://127.0.0.1:8000{path}', method='PUT'))"
    space.kubectl("exec", name, "--", "python3", "-c", program)


def test_logs_are_followed_while_they_grow(space: Namespace) -> None:
    script = "echo one; while [ ! -e /tmp/go ]; do sleep 0.1; done; echo two; echo three >&2"
    space.apply(pod("talk", shell(script), restartPolicy="Never"))
    wait_for_pod(space, "talk")
    kubectl = [str(tools() / "bin/cluster"), "kubectl", "--kubeconfig", str(space.kubeconfig)]
    follow = [*kubectl, "logs", "-f", "-n", space.name, "talk"]
    with subprocess.Popen(follow, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        assert follower.stdout.readline() == "one\n"
        space.kubectl("exec", "talk", "--", "touch", "/tmp/go")
        assert sorted(follower.stdout.read().split()) == ["three", "two"]


def test_no_container_ever_takes_the_kubelet_with_it(cluster: EmbeddedCluster, space: Namespace) -> None:
    # What a process that ended left behind is known by its namespace; the kubelet must never be in it.
    space.apply(*(pod(f"short-{number}", shell("true"), restartPolicy="Never") for number in range(8)))
    for number in range(8):
        wait_for_end(space, f"short-{number}")
    pid = cluster.status()["pid"]
    assert namespaces(part(pid, "kubelet")) == namespaces(part(pid, "kube-scheduler"))


def test_exec_gives_output_input_and_exit_code(space: Namespace) -> None:
    space.apply(pod("idle", shell("exec sleep 3600")))
    wait_for_pod(space, "idle")
    in_pod = ["exec", "-i", "idle", "--"]
    assert space.kubectl(*in_pod, "cat", stdin="to and fro") == "to and fro"
    failed = space.kubectl_fails(*in_pod, "sh", "-c", "echo oh >&2; exit 7")
    assert (failed.returncode, failed.stderr.splitlines()[0]) == (7, "oh")


def test_configmap_and_token_are_mounted_and_the_token_is_accepted(space: Namespace) -> None:
    folder = "/var/run/secrets/kubernetes.io/serviceaccount"
    program = (
        "import ssl, urllib.request as u\n"
        f"token = open('{folder}/token').read()\n"
        "print(open('/app/server.py').readline(), end='')\n"
        "for path in '/version', '/api/v1/secrets':\n"
        "  r = u.Request('https://kubernetes.default.svc' + path)\n"
        "  r.add_header('Authorization', 'Bearer ' + token)\n"
        f"  try: print(u.urlopen(r, context=ssl.create_default_context(cafile='{folder}/ca.crt')).status)\n"
        "  except u.HTTPError as e: print(e.code)\n"
    )
    mounts = [{"name": "app", "mountPath": "/app"}]
    script = f"python3 - <<'END'\n{program}\nEND"
    first, *codes = run_to_end(space, script, volumeMounts=mounts).splitlines()
    assert first.startswith('"""The program in the tests')
    assert codes == ["200", "403"], "everybody may ask the version, but not for secrets (RBAC)"


def test_containers_do_not_see_the_keys_of_the_cluster(cluster: EmbeddedCluster, space: Namespace) -> None:
    assert (cluster.directory / "pki" / "ca.key").exists()
    script = f"for d in {cluster.directory} /run/cluster; do ls -A $d | wc -l; done"
    assert run_to_end(space, script).split() == ["0", "0"]


def test_containers_cannot_write_to_the_machine(space: Namespace) -> None:
    script = "for d in /usr /etc /opt; do touch $d/here 2>&1 || true; done | grep -c Read-only"
    assert run_to_end(space, script).strip() == "3"


def test_volumes_are_writable_wherever_they_are_mounted(space: Namespace) -> None:
    # The second one needs a new folder in /var, above the first.
    paths = ["/var/lib/data", "/var/another-one", "/scratch/deep"]
    mounts = [{"name": f"v{n}", "mountPath": path} for n, path in enumerate(paths)]
    volumes = [{"name": f"v{n}", "emptyDir": {}} for n in range(len(paths))]
    script = f"for d in {' '.join(paths)}; do echo $d > $d/file; done; cat {'/file '.join(paths)}/file"
    space.apply(pod("writer", shell(script, volumeMounts=mounts), restartPolicy="Never", volumes=volumes))
    wait_for_end(space, "writer")
    assert space.kubectl("logs", "writer").split() == paths


def test_image_names_can_be_added_while_the_cluster_is_up(cluster: EmbeddedCluster, space: Namespace) -> None:
    late = {"name": "late", "image": "late:1"}
    space.apply(pod("late", late, restartPolicy="Always"))

    def reasons() -> str:
        return json.dumps(space.get("events", "--field-selector=involvedObject.name=late"))

    wait_until(lambda: "the images file does not list" in reasons(), "an event that says why it cannot start")
    cluster.add_image("late:1", {"entrypoint": ["/bin/sh", "-c"], "cmd": ["echo $WORD; pwd; exec sleep 3600"],
                                 "env": {"WORD": "here"}, "workdir": "/usr"})  # fmt: skip
    wait_for_pod(space, "late")
    assert space.kubectl("logs", "late") == "here\n/usr\n"


def test_what_a_container_leaves_behind_ends_with_it(space: Namespace) -> None:
    # setsid leaves the process group, which is what a signal to the group would miss.
    space.apply(pod("parent", shell("setsid sleep 4242 & sleep 1"), restartPolicy="Never"))
    wait_for_end(space, "parent")
    listed = subprocess.run(["pgrep", "-f", "^sleep 4242$"], capture_output=True, text=True, check=False)
    assert listed.stdout == ""
