"""A Git server on the embedded cluster, and a clone of its repository on this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from cluster.client import EmbeddedCluster
from testbed.programs import program
from testbed.waiting import wait_until

NAMESPACE = "git"
ADDRESS = f"http://git-server.{NAMESPACE}/models.git"
"""Of the repository, inside."""

_NAME = "git-server"
_PROGRAM = Path(__file__).with_name("git_server.py")


class GitRepository:
    """A clone of the repository that is read, on this machine."""

    def __init__(self, cluster: EmbeddedCluster, folder: Path) -> None:
        """Start the server, behind the gateway too, and clone."""
        self._folder = folder
        route = {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": _NAME, "namespace": NAMESPACE},
            "spec": {
                "parentRefs": [{"name": "main", "namespace": "gateway"}],
                "rules": [
                    {
                        "matches": [{"path": {"type": "PathPrefix", "value": "/models.git"}}],
                        "backendRefs": [{"name": _NAME, "port": 80}],
                    }
                ],
            },
        }
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        cluster.apply(namespace, *program(NAMESPACE, _NAME, _PROGRAM, 8000), route)
        cluster.namespace(NAMESPACE).kubectl("rollout", "status", f"deploy/{_NAME}", "--timeout=60s")
        address = f"{cluster.endpoints.gateway}/models.git"
        wait_until(lambda: self._git("ls-remote", address, check=False) == 0, "the repository is served", 60)
        self._git("clone", "--quiet", address, str(folder))

    def push(self, message: str, files: Mapping[str, list[dict[str, Any]]]) -> str:
        """Commit files of Kubernetes objects in place of all that there are, and push; gives the revision."""
        for old in self._folder.rglob("*.yaml"):
            old.unlink()
        for name, objects in files.items():
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(yaml.safe_dump_all(objects, sort_keys=False))
        here = ("-C", str(self._folder))
        self._git(*here, "add", "--all")
        author = ("-c", "user.name=git", "-c", "user.email=git@example.com")
        self._git(*here, *author, "commit", "--quiet", "--message", message)
        self._git(*here, "push", "--quiet", "origin", "HEAD:main")
        head = ["git", *here, "rev-parse", "HEAD"]
        return subprocess.run(head, check=True, capture_output=True, text=True).stdout.strip()

    def _git(self, *arguments: str, check: bool = True) -> int:
        # A repository around this folder, or settings of who runs the test, are not to be seen.
        own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
        done = subprocess.run(["git", *arguments], env=os.environ | own, check=check, capture_output=True)
        return done.returncode
