"""Who somebody is and what they may read, as the API server says: TokenReview and SubjectAccessReview.

Reference: Kubernetes API, authentication.k8s.io/v1 and authorization.k8s.io/v1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bandit_operator.adapters.kubernetes import KubernetesAPI, resource_path
from bandit_operator.adapters.objects import Object

TOKEN_REVIEWS = resource_path("authentication.k8s.io", "v1", "tokenreviews")
ACCESS_REVIEWS = resource_path("authorization.k8s.io", "v1", "subjectaccessreviews")


@dataclass(frozen=True, slots=True)
class Person:
    """Whose token it is; what they may do depends on all of it."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Reviews:
    """Asks the API server, each time anew."""

    def __init__(self, api: KubernetesAPI) -> None:
        self._api = api

    async def person(self, token: str) -> Person | None:
        """Whose token that is; None where it is nobody's, or has expired.

        Raises:
            APIError: The operator may not ask.
            APIUnreachable: No answer.
        """
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
        status = (await self._api.review(TOKEN_REVIEWS, body)).get("status") or {}
        user = status.get("user") or {}
        if status.get("authenticated") is not True or not user.get("username"):
            return None
        extra = sorted((name, tuple(values)) for name, values in (user.get("extra") or {}).items())
        return Person(user["username"], tuple(user.get("groups") or ()), user.get("uid") or "", tuple(extra))

    async def may(self, person: Person, what: Mapping[str, str]) -> bool:
        """Whether somebody may do something.

        Args:
            person: Who.
            what: The ``resourceAttributes`` of the review: verb, group, resource, namespace and name;
                the last two are empty for all.

        Raises:
            APIError: The operator may not ask.
            APIUnreachable: No answer.
        """
        spec: Object = {
            "user": person.name,
            "groups": list(person.groups),
            "uid": person.uid,
            "extra": {key: list(values) for key, values in person.extra},
            "resourceAttributes": dict(what),
        }
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        status = (await self._api.review(ACCESS_REVIEWS, body)).get("status") or {}
        return status.get("allowed") is True
