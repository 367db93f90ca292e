"""What the command line reads and writes of the cluster that the kubeconfig in use names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import urllib3
import yaml
from kubernetes import client, config
from kubernetes.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION

from bandit_operator.adapters.objects import JSON_PATCH, MERGE_PATCH, Object

FIELD_MANAGER = "kubectl-bandit"
ANSWER_SECONDS = 30.0
"""Longest wait for one answer."""

Collection = tuple[str, str, str]
"""Group, version and plural of a kind."""
_NO_KUBECONFIG = (AttributeError, KeyError, TypeError, yaml.YAMLError)
"""What the official client raises besides its own errors, of files that are none."""


class ClusterFault(ValueError):
    """The cluster cannot be reached, or refuses; the message is for whoever typed the command."""


class Missing(ClusterFault):
    """There is no such object."""


class Kubeconfig:
    """One connection to a cluster, as kubectl would make it."""

    def __init__(self, path: str | None = None, context: str | None = None) -> None:
        """Read the kubeconfig; nothing is asked of the cluster yet.

        Args:
            path: the file; None for $KUBECONFIG, or ~/.kube/config.
            context: name of a context in it; None for the one in use.

        Raises:
            ClusterFault: There is no such file or context, or it cannot be read.
        """
        settings = client.Configuration()
        settings.retries = urllib3.Retry(2, backoff_factor=0.2)
        try:
            api = config.new_client_from_config(path, context, client_configuration=settings)
            contexts, active = config.list_kube_config_contexts(path)
        except (config.ConfigException, OSError, ValueError, *_NO_KUBECONFIG) as error:
            fault = " ".join(str(error).split())
            if isinstance(error, _NO_KUBECONFIG):
                fault = (
                    f"it cannot be read, or its user logs in by an auth-provider that needs more ({fault})"
                )
            raise ClusterFault(
                f"kubeconfig {path or KUBE_CONFIG_DEFAULT_LOCATION}, context {context or 'in use'}: {fault};"
                " name a file by --kubeconfig or KUBECONFIG, and by --context one that"
                " kubectl config get-contexts lists"
            ) from error
        self._objects = client.CustomObjectsApi(api)
        chosen = next((one for one in contexts if one["name"] == context), active)
        about = (chosen or {}).get("context", {})
        self.namespace = str(about.get("namespace") or "default")
        """Namespace of the context."""
        self.context = str((chosen or {}).get("name", context))
        """Name of the context."""

    def get(self, kind: Collection, namespace: str, name: str) -> Object:
        """Read an object; raises as :func:`_answer`."""
        group, version, plural = kind
        return _answer(self._objects.get_namespaced_custom_object, group, version, namespace, plural, name)

    def list(self, kind: Collection, namespace: str | None) -> list[Object]:
        """Read those of a namespace, or of all; raises as :func:`_answer`."""
        group, version, plural = kind
        if namespace is None:
            answer = _answer(self._objects.list_cluster_custom_object, group, version, plural)
        else:
            answer = _answer(self._objects.list_namespaced_custom_object, group, version, namespace, plural)
        items = answer.get("items")
        if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
            raise ClusterFault(f"the API server answered with a list that has no items; {_WHO_ANSWERS}")
        return items

    def patch(self, kind: Collection, namespace: str, name: str, body: Any, *, dry_run: bool) -> Object:
        """Change an object: a list is a JSON Patch, anything else a merge patch.

        Raises as :func:`_answer`; nothing is written where a test of a JSON Patch fails, or in a dry run.
        """
        group, version, plural = kind
        return _answer(
            self._objects.patch_namespaced_custom_object,
            group,
            version,
            namespace,
            plural,
            name,
            body,
            field_manager=FIELD_MANAGER,
            _content_type=JSON_PATCH if isinstance(body, list) else MERGE_PATCH,
            **({"dry_run": "All"} if dry_run else {}),
        )


def _answer(call: Any, *arguments: Any, **options: Any) -> Object:
    """Ask the API server.

    Raises:
        Missing: There is no such object.
        ClusterFault: It refused, in its own words, or did not answer, or with something else than an object.
    """
    try:
        answer: Object = call(*arguments, _request_timeout=ANSWER_SECONDS, **options)
    except client.ApiException as error:
        text = f"the API server refused: {_message(error)}"
        raise (Missing if error.status == 404 else ClusterFault)(text) from error
    except urllib3.exceptions.HTTPError as error:
        raise ClusterFault(f"the API server does not answer: {error}") from error
    except ValueError as error:  # no JSON, or not even UTF-8
        raise ClusterFault(_NO_OBJECT) from error
    if not isinstance(answer, Mapping):
        raise ClusterFault(_NO_OBJECT)
    return answer


_WHO_ANSWERS = (
    "it may be a proxy or a page to log in that answers: see clusters[].cluster.server in the kubeconfig,"
    " and HTTPS_PROXY"
)
_NO_OBJECT = f"the API server answered with what is no object in JSON; {_WHO_ANSWERS}"


def _message(error: client.ApiException) -> str:
    try:
        return str(json.loads(error.body or "")["message"])
    except (KeyError, TypeError, ValueError):
        return str(error.reason)
