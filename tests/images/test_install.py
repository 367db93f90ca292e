"""The images that were built, installed as README says: Pods have their files and nothing else."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cluster.client import EmbeddedCluster
from images.rootfs import table
from testbed.reward_source import RewardSource
from testbed.rollout import Rollout
from testbed.waiting import wait_until

REPOSITORY = Path(__file__).parents[2]
OPERATOR = "bandit-system"
NAMESPACE = "models"
VERSION = importlib.metadata.version("bandit-operator")
pytestmark = [pytest.mark.cluster, pytest.mark.image]


def readme_install() -> list[str]:
    """Return the words of README's command that installs the chart, with paths that hold anywhere."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = re.findall(r"^helm install .*$", text, re.MULTILINE)
    return [word.replace("charts/", f"{REPOSITORY}/charts/") for word in shlex.split(line)]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCluster]:
    """Return a cluster that knows the images, with the operator by README's command."""
    images = table()
    (serving,) = [image for name, image in images.items() if name.startswith("bandit-serving:")]
    cluster = EmbeddedCluster(tmp_path_factory.mktemp("cluster"), {**images, "bandit-serving:dev": serving})
    try:
        cluster.up()
        _, *words = readme_install()
        cluster.run("helm", *words, "--wait", "--timeout=90s")
        cluster.kubectl("create", "namespace", NAMESPACE)
        yield cluster
    finally:
        cluster.down()


def in_operator(cluster: EmbeddedCluster, *command: str, stdin: str | None = None) -> str:
    return cluster.kubectl(
        "exec", "-i", "-n", OPERATOR, "deploy/bandit-operator", "--", *command, stdin=stdin
    )


def test_the_pod_runs_the_image_of_the_chart_as_its_user_and_sees_nothing_of_this_machine(
    installed: EmbeddedCluster,
) -> None:
    chart = yaml.safe_load((REPOSITORY / "charts/bandit-operator/Chart.yaml").read_text(encoding="utf-8"))
    (pod,) = installed.get("pods", "-n", OPERATOR)["items"]
    assert pod["spec"]["containers"][0]["image"] == f"bandit-operator:{chart['appVersion']}"
    program = "import json, os, sys; print(json.dumps([os.getuid(), sys.prefix, sorted(os.listdir('/'))]))"
    user, prefix, top = json.loads(in_operator(installed, "python3", "-c", program))
    assert (user, prefix) == (65532, "/opt/bandit-operator")
    assert not {"home", "root", "srv"} & set(top)


def test_the_image_has_its_commands(installed: EmbeddedCluster) -> None:
    assert VERSION in in_operator(installed, "bandit-operator", "--version")
    world = {
        "ticks": 50, "requests": 100, "baseline": "old",
        "arms": [{"name": "old", "rate": 0.1}, {"name": "new", "rate": 0.3}],
    }  # fmt: skip
    told = in_operator(
        installed,
        "bandit-operator",
        "simulate",
        "--world",
        "/dev/stdin",
        "--seeds",
        "20",
        stdin=json.dumps(world),
    )
    assert "new" in told


def test_a_rollout_is_decided_and_its_decisions_are_made_again(installed: EmbeddedCluster) -> None:
    RewardSource(installed, NAMESPACE).steer("income", good=(50, 0.8), bad=(50, 0.2))
    rollout = Rollout(installed, "income", NAMESPACE)
    rollout.create()
    rollout.wait_for_lead("good", over="bad", seconds=90)
    resource = installed.kubectl("get", "bd", "income", "-n", NAMESPACE, "-o", "json")
    assert "agree" in in_operator(installed, "bandit-operator", "replay", "-", stdin=resource)


COUNTED = """
import json, urllib.request as u
known = {'id': 'a', 'route': 'income'}
for path, event in [
    ('predictions', {**known, 'arm': 'good', 'outputs': {'predict': 1}}), ('labels', {**known, 'label': 1})
]:
    body = json.dumps([event]).encode()
    u.urlopen(u.Request('http://127.0.0.1:8081/v1/' + path, body, {'Content-Type': 'application/json'}))
print(u.urlopen('http://127.0.0.1:8082/metrics').read().decode())
"""


def test_the_chart_says_that_it_is_ready(installed: EmbeddedCluster) -> None:
    told = installed.run("helm", "test", "bandit-operator", "--namespace", OPERATOR, "--timeout=60s").stdout
    assert re.search(r"Phase:\s+Succeeded", told), told


def test_the_collector_counts_a_reward(installed: EmbeddedCluster) -> None:
    # The embedded cluster has no volumes that outlive a Pod.
    values = "collector.enabled=true,collector.persistence.enabled=false"
    _, _, name, chart, *_ = readme_install()
    installed.run(
        "helm", "upgrade", name, chart, "--namespace", OPERATOR, "--reset-then-reuse-values", "--set", values,
        "--wait", "--timeout=90s",
    )  # fmt: skip

    def counted() -> str:
        collector = f"deploy/{name}-collector"
        return installed.kubectl("exec", "-n", OPERATOR, collector, "--", "python3", "-c", COUNTED)

    sample = 'model_reward_successes_total{arm="good",route="income"} 1.0'
    wait_until(lambda: sample in counted(), "the collector counts the reward")
