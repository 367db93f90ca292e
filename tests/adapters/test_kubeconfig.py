"""Which cluster the command line is about, and what is said where that cannot be known."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bandit_operator.adapters.kubeconfig import ClusterFault, Kubeconfig, Missing
from tests.support.servers import answering, server

BANDITS = ("bandit-operator.dev", "v1alpha1", "banditdeployments")


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A kubeconfig of a cluster that does not answer, with two contexts."""
    here: dict[str, Any] = {"cluster": "away", "user": "me"}
    config = {
        "current-context": "plain",
        "clusters": [{"name": "away", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "me", "user": {}}],
        "contexts": [
            {"name": "plain", "context": here},
            {"name": "models", "context": {**here, "namespace": "models"}},
        ],
    }
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(config))
    return str(file)


def test_the_namespace_is_that_of_the_context(path: str) -> None:
    assert Kubeconfig(path).namespace == "default"
    assert Kubeconfig(path, "models").namespace == "models"


@pytest.mark.parametrize(("file", "context"), [("/nowhere", None), (None, "other")])
def test_a_file_or_a_context_that_is_not_there_is_named_with_what_to_do(
    path: str, file: str | None, context: str | None
) -> None:
    with pytest.raises(ClusterFault, match="kubectl config get-contexts") as raised:
        Kubeconfig(file or path, context)
    assert (file or str(context)) in str(raised.value)


def test_a_cluster_that_does_not_answer_is_said_to_be_so(path: str) -> None:
    with pytest.raises(ClusterFault, match="does not answer"):
        Kubeconfig(path).get(BANDITS, "models", "income")


BROKEN: dict[str, str | bytes] = {
    "broken YAML": "clusters: [",
    "plain text": "hello",
    "a list": "[1]",
    "nothing": "",
    "no text": b"\xff\x00\xfe",
    "contexts that are a number": json.dumps({"contexts": 5}),
    "a context without a name": json.dumps({"current-context": "x", "contexts": [{}]}),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_file_that_is_no_kubeconfig_is_told_in_one_line_with_what_to_do(
    tmp_path: Path, content: str | bytes
) -> None:
    file = tmp_path / "config"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ClusterFault, match="name a file by --kubeconfig") as raised:
        Kubeconfig(str(file))
    assert f"kubeconfig {file}, context in use: " in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_user_that_logs_in_by_a_provider_that_is_not_there_is_told_of(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = json.loads(Path(path).read_text())
    config["users"][0]["user"] = {"auth-provider": {"name": "gcp", "config": {}}}
    Path(path).write_text(json.dumps(config))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with pytest.raises(ClusterFault, match="its user logs in by an auth-provider"):
        Kubeconfig(path)


def pointed(path: str, address: str) -> Kubeconfig:
    """The connection to a server at an address."""
    config = json.loads(Path(path).read_text())
    config["clusters"][0]["cluster"]["server"] = address
    Path(path).write_text(json.dumps(config))
    return Kubeconfig(path)


PAGE = "<html>Log in</html>"


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (PAGE, "text/html", "no object in JSON"),
        (PAGE, "application/json", "no object in JSON"),
        ("[1]", "application/json", "no object in JSON"),
        ("null", "application/json", "no object in JSON"),
        (b"\xff\xfe", "application/json", "no object in JSON"),
        ("{}", "application/json", "a list that has no items"),
        ('{"items": [3]}', "application/json", "a list that has no items"),
    ],
)
async def test_an_answer_that_is_no_api_servers_is_told_with_where_to_look(
    path: str, body: str | bytes, kind: str, said: str
) -> None:
    async with server(answering(body, "200 OK", f"Content-Type: {kind}")) as address:
        with pytest.raises(ClusterFault, match=r"clusters\[\]\.cluster\.server") as raised:
            await asyncio.to_thread(pointed(path, address).list, BANDITS, "models")
    assert said in str(raised.value)


@pytest.mark.parametrize("body", ["404 page not found", '{"message": "Not Found"}'])
async def test_what_the_cluster_does_not_know_is_missing(path: str, body: str) -> None:
    async with server(answering(body, "404 Not Found")) as address:
        with pytest.raises(Missing):
            await asyncio.to_thread(pointed(path, address).list, BANDITS, None)


def test_the_context_that_is_used_is_known_by_its_name(path: str) -> None:
    assert (Kubeconfig(path).context, Kubeconfig(path, "models").context) == ("plain", "models")
