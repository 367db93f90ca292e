"""Whether kinds and namespaces that come and go while the operator runs can be noticed.

It takes rights in the whole cluster, without which kopf would ask for ever, and watch nothing before.

Reference: Kubernetes API, authorization.k8s.io/v1, SelfSubjectAccessReview, which everybody may create.
"""

from __future__ import annotations

import asyncio

import structlog

from bandit_operator.adapters.kubernetes import KubernetesAPI, resource_path
from bandit_operator.errors import APIError, APIUnreachable

log = structlog.get_logger()

SELF_REVIEWS = resource_path("authorization.k8s.io", "v1", "selfsubjectaccessreviews")
RETRY_SECONDS = 2.0
_DEFINITIONS = ("apiextensions.k8s.io", "customresourcedefinitions")
_NAMESPACES = ("", "namespaces")


async def may_scan(api: KubernetesAPI, *, everywhere: bool, retry_seconds: float = RETRY_SECONDS) -> bool:
    """Ask whether this account may list and watch definitions and, unless it works everywhere, namespaces.

    What it may not is logged, with what follows. An API server that is away is waited for.
    """
    kinds = (_DEFINITIONS,) if everywhere else (_DEFINITIONS, _NAMESPACES)
    missing = [
        f"{verb} {resource}"
        for group, resource in kinds
        for verb in ("list", "watch")
        if not await _may(api, {"group": group, "resource": resource, "verb": verb}, retry_seconds)
    ]
    if missing:
        log.warning(
            "kinds and namespaces that come later are noticed after a restart only",
            missing_rights=missing,
        )
    return not missing


async def _may(api: KubernetesAPI, attributes: dict[str, str], retry_seconds: float) -> bool:
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    while True:
        try:
            return (await api.review(SELF_REVIEWS, body)).get("status", {}).get("allowed") is True
        except APIError as error:
            log.warning("the API server does not say what the operator may do", error=str(error))
            return False
        except APIUnreachable:
            await asyncio.sleep(retry_seconds)
