"""The few requests that the operator makes of the API server, beside kopf's watches.

Objects are plain dictionaries, as the API server sends them. Everything goes through one
function, because each kind of the official client's typed classes would bring its own
content types and its own strictness for the same four verbs.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import aiohttp
import yaml
from kubernetes.aio import client, config

from bandit_operator.adapters.objects import JSON_PATCH, Object
from bandit_operator.errors import APIError, APIUnreachable, Conflict, NotFound, NotLeading

METADATA_LIST: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
FIELD_MANAGER: Final = "bandit-operator"
REQUEST_SECONDS: Final = 10.0
"""Longest wait for one answer."""
PARALLEL_REQUESTS: Final = 16
"""Most requests under way at once, so that a burst of ticks does not become a burst of connections."""
PARALLEL_LEASES: Final = 4
"""Most requests about leases beside them, which wait behind no burst: it would cost the lease."""


def resource_path(group: str, version: str, plural: str, namespace: str | None = None, name: str = "") -> str:
    """Path of a collection or an object (https://kubernetes.io/docs/reference/using-api/api-concepts/)."""
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    scope = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{scope}/{plural}" + (f"/{name}" if name else "")


_UNREADABLE = (AttributeError, LookupError, OSError, TypeError, ValueError, yaml.YAMLError)
"""What the official client raises besides its own error, of a kubeconfig that is none."""


class NoCluster(ValueError):
    """Nothing says where the API server is; the message is for whoever started the program."""


class KubernetesAPI:
    """One connection pool to the API server.

    ``may_write`` is asked before every write of the cluster's objects (leases excepted): the
    lease's monotonic deadline, so that a process that was stopped for longer writes nothing
    when it wakes. ``write_seconds`` is how long such a write may take from then on, here and at the
    server, so that none outlives the lease under which it was sent. One that was sent goes on when
    whoever waits for it is cancelled; ``quiet`` waits for all.
    """

    def __init__(self, api: client.ApiClient, may_write: Callable[[], bool] = lambda: True) -> None:
        self._api = api
        self.may_write = may_write
        self.write_seconds = REQUEST_SECONDS
        self._writing: set[asyncio.Task[Object]] = set()
        self._slots = asyncio.Semaphore(PARALLEL_REQUESTS)
        self._lease_slots = asyncio.Semaphore(PARALLEL_LEASES)
        self._plurals: dict[tuple[str, str], str] = {}

    @classmethod
    async def connect(cls) -> KubernetesAPI:
        """Connect with the Pod's ServiceAccount, or outside a cluster with the kubeconfig in use.

        Raises:
            NoCluster: There is neither, or the kubeconfig cannot be read.
        """
        settings = client.Configuration()
        try:
            config.load_incluster_config(client_configuration=settings)
        except config.ConfigException as inside:
            try:
                await config.load_kube_config(client_configuration=settings)
            except (config.ConfigException, *_UNREADABLE) as error:
                raise NoCluster(
                    f"this is no Pod with a ServiceAccount ({inside}), and no kubeconfig in use can be read"
                    f" ({' '.join(str(error).split())}); name one by KUBECONFIG, or run it in a Pod"
                ) from error
        settings.connection_pool_maxsize = PARALLEL_REQUESTS + PARALLEL_LEASES
        return cls(client.ApiClient(settings))

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def get(
        self, path: str, *, accept: str = "application/json", query: Mapping[str, str] | None = None
    ) -> Object:
        """Read an object or a collection, of which ``query`` may select some.

        Raises:
            NotFound: There is none.
            APIError: The server refused.
            APIUnreachable: No answer.
        """
        return await self._request("GET", path, accept=accept, query=query)

    async def patch(self, path: str, body: Any, content_type: str) -> Object:
        """Change an object; the answer is the object as it is now.

        Raises:
            NotLeading: This replica may not write now; nothing was sent.
            Conflict: A precondition in the patch does not hold; nothing was written.
            APIError: The server refused.
            APIUnreachable: No answer.
        """
        return await self._write("PATCH", path, body, content_type)

    async def create(self, path: str, body: Object) -> Object:
        """Create an object; raises as ``patch`` does."""
        return await self._write("POST", path, body, "application/json")

    async def quiet(self) -> None:
        """Wait until each write that is under way is over, whatever became of it."""
        await asyncio.gather(*self._writing, return_exceptions=True)

    async def lease(self, method: str, path: str, body: Any = None) -> Object:
        """Read (GET), create (POST), replace (PUT) or change (PATCH, JSON Patch) a lease, held or not."""
        content_type = JSON_PATCH if method == "PATCH" else "application/json"
        return await self._request(method, path, body, content_type, slots=self._lease_slots)

    async def review(self, path: str, body: Object) -> Object:
        """Ask what somebody may do; nothing is stored, so that every replica may ask.

        Raises:
            APIError: The server refused.
            APIUnreachable: No answer.
        """
        return await self._request("POST", path, body, "application/json")

    async def plural(self, api_version: str, kind: str) -> str:
        """Resource name of a kind, from the server's discovery; asked once a kind.

        Raises:
            NotFound: The server knows no such kind.
        """
        if (api_version, kind) not in self._plurals:
            prefix = "/apis" if "/" in api_version else "/api"
            listed = await self.get(f"{prefix}/{api_version}")
            for resource in listed.get("resources", []):
                if "/" not in resource["name"]:
                    self._plurals[api_version, resource["kind"]] = resource["name"]
        if (api_version, kind) not in self._plurals:
            raise NotFound(404, f"the API server knows no kind {kind} in {api_version}")
        return self._plurals[api_version, kind]

    async def _write(self, method: str, path: str, body: Any, content_type: str) -> Object:
        sent = asyncio.create_task(self._request(method, path, body, content_type, guarded=True))
        self._writing.add(sent)
        sent.add_done_callback(self._written)
        return await asyncio.shield(sent)

    def _written(self, write: asyncio.Task[Object]) -> None:
        self._writing.discard(write)
        if not write.cancelled():
            write.exception()  # who waited for it has it, and nobody else needs to be told

    async def _request(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str | None = None,
        accept: str = "application/json",
        query: Mapping[str, str] | None = None,
        *,
        guarded: bool = False,
        slots: asyncio.Semaphore | None = None,
    ) -> Object:
        headers = {"Accept": accept}
        if content_type:
            headers["Content-Type"] = content_type
        parameters = [*(query or {}).items()]
        if method != "GET":
            parameters.append(("fieldManager", FIELD_MANAGER))
        seconds = self.write_seconds if guarded else REQUEST_SECONDS
        if guarded:
            parameters.append(("timeout", f"{seconds:g}s"))
        try:
            async with slots or self._slots, asyncio.timeout(seconds):
                if guarded and not self.may_write():  # asked once it is its turn, which may take long
                    raise NotLeading("the lease is not held")
                prepared = await self._api.param_serialize(
                    method,
                    path,
                    query_params=parameters,
                    header_params=headers,
                    body=body,
                    auth_settings=["BearerToken"],
                )
                answer = await self._api.call_api(*prepared)
                text = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise APIUnreachable(f"{method} {path}: {error or type(error).__name__}") from error
        if answer.status >= 400:
            raise _refusal(answer.status, text)
        result: Object = json.loads(text)
        return result


def _refusal(status: int, text: bytes) -> APIError:
    """The server's words. A JSON Patch whose ``test`` fails is answered 422, with one text for
    every cause, like a patch whose path is gone: both mean that our view was old.
    """
    try:
        answer: Mapping[str, Any] = json.loads(text)
    except ValueError:
        answer = {}
    message = str(answer.get("message") or text[:200].decode(errors="replace"))
    failed_test = (
        status == 422 and "the server rejected our request due to an error in our request" in message
    )
    if status == 404:
        return NotFound(status, message)
    if status == 409 or failed_test:
        return Conflict(status, message)
    return APIError(status, message)
