"""What the command line reads and writes of the cluster that the kubeconfig in use names."""

from __future__ import annotations

import json
from typing import Any

import urllib3
from kubernetes import client, config

from bandit_operator.adapters.kubernetes import JSON_PATCH, MERGE_PATCH, Object
from bandit_operator.api.v1alpha1 import GROUP, PLURAL, VERSION
from bandit_operator.errors import APIError, APIUnreachable, NotFound

FIELD_MANAGER = "kubectl-bandit"
ANSWER_SECONDS = 30.0
"""Longest wait for one answer."""


class NoCluster(ValueError):
    """No kubeconfig leads to a cluster; the message names file, context and what to do."""


class Kubeconfig:
    """One connection to a cluster, as kubectl would make it."""

    def __init__(self, path: str | None = None, context: str | None = None) -> None:
        """Read the kubeconfig; nothing is asked of the cluster yet.

        Args:
            path: the file; None for $KUBECONFIG, or ~/.kube/config.
            context: name of a context in it; None for the one in use.

        Raises:
            NoCluster: There is no such file or context, or it cannot be read.
        """
        settings = client.Configuration()
        settings.retries = urllib3.Retry(2, backoff_factor=0.2)
        try:
            api = config.new_client_from_config(path, context, client_configuration=settings)
            contexts, active = config.list_kube_config_contexts(path)
        except (config.ConfigException, OSError, ValueError) as error:
            raise NoCluster(
                f"--kubeconfig {path or 'in use'}, --context {context or 'in use'}: {error};"
                " name a file and a context that kubectl config get-contexts lists"
            ) from error
        self._objects = client.CustomObjectsApi(api)
        chosen = next((one for one in contexts if one["name"] == context), active)
        about = (chosen or {}).get("context", {})
        self.namespace = str(about.get("namespace") or "default")
        """Namespace of the context."""

    def get(self, namespace: str, name: str) -> Object:
        """Read a BanditDeployment; raises as :func:`_answer`."""
        return _answer(self._objects.get_namespaced_custom_object, GROUP, VERSION, namespace, PLURAL, name)

    def list(self, namespace: str | None) -> list[Object]:
        """Read those of a namespace, or of all; raises as :func:`_answer`."""
        if namespace is None:
            answer = _answer(self._objects.list_cluster_custom_object, GROUP, VERSION, PLURAL)
        else:
            answer = _answer(self._objects.list_namespaced_custom_object, GROUP, VERSION, namespace, PLURAL)
        items: list[Object] = answer["items"]
        return items

    def route(self, plural: str, namespace: str, name: str) -> Object:
        """Read a route of the Gateway API; raises as :func:`_answer`."""
        group = "gateway.networking.k8s.io"
        return _answer(self._objects.get_namespaced_custom_object, group, "v1", namespace, plural, name)

    def patch(self, namespace: str, name: str, body: Any, *, dry_run: bool) -> Object:
        """Change a BanditDeployment: a list is a JSON Patch, anything else a merge patch.

        Raises as :func:`_answer`; nothing is written where a test of a JSON Patch fails, or in a dry run.
        """
        return _answer(
            self._objects.patch_namespaced_custom_object,
            GROUP,
            VERSION,
            namespace,
            PLURAL,
            name,
            body,
            field_manager=FIELD_MANAGER,
            _content_type=JSON_PATCH if isinstance(body, list) else MERGE_PATCH,
            **({"dry_run": "All"} if dry_run else {}),
        )


def _answer(call: Any, *arguments: Any, **options: Any) -> Object:
    """Ask the API server.

    Raises:
        NotFound: There is no such object.
        APIError: It refused; the text is its own.
        APIUnreachable: It did not answer.
    """
    try:
        answer: Object = call(*arguments, _request_timeout=ANSWER_SECONDS, **options)
    except client.ApiException as error:
        status, message = int(error.status or 0), _message(error)
        raise (NotFound if status == 404 else APIError)(status, message) from error
    except urllib3.exceptions.HTTPError as error:
        raise APIUnreachable(f"the API server does not answer: {error}") from error
    return answer


def _message(error: client.ApiException) -> str:
    try:
        return str(json.loads(error.body or "")["message"])
    except (KeyError, TypeError, ValueError):
        return str(error.reason)
