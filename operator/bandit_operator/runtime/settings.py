"""The operator's own settings, the same for all resources."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bandit_operator.adapters.access import Access, Origin, further_headers
from bandit_operator.adapters.webhooks import Webhook
from bandit_operator.runtime.election import LeaseSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``bandit-operator run`` was started with.

    ``prometheus_address`` serves resources that name no address of their own.
    ``prometheus_access`` says which others resources may name, and what identifies the operator.
    ``webhooks`` are told of what happens.
    ``shards`` is among how many leases the resources are divided; with one the operator's own is all.
    ``namespaces`` limits what is watched; empty means the whole cluster.
    ``bind_namespace`` lets a resource read series of its own namespace only.
    ``web_listen`` is where the web page is served; None where it is not.
    """

    lease: LeaseSettings
    prometheus_address: str | None = None
    prometheus_deadline: float = 5.0
    prometheus_access: Access = field(default_factory=Access)
    bind_namespace: bool = False
    webhooks: tuple[Webhook, ...] = ()
    namespaces: tuple[str, ...] = ()
    listen: tuple[str, int] = ("0.0.0.0", 8080)
    web_listen: tuple[str, int] | None = None
    concurrency: int = 32
    shards: int = 1


def access_to(
    address: str | None,
    allowed: Sequence[str],
    token_file: str | None,
    basic_auth: str | None = None,
    headers: str = "",
) -> Access:
    """Which Prometheus servers may be asked, and with what.

    Args:
        address: that of the operator's own server, if it has one.
        allowed: others that resources may name, each as scheme://host:port.
        token_file: where the own server's bearer token is, if it takes one.
        basic_auth: the folder with the files username and password for it, if it takes these.
        headers: further headers for it, as a JSON object of texts; empty for none.

    Raises:
        ValueError: An address or a header is none, or token and password are both given; the message says
            which and how it is written.
    """
    if token_file and basic_auth:
        raise ValueError("give Prometheus a bearer token or a user name and password, not both")
    return Access(
        _origin(Origin.of, address) if address else None,
        frozenset(_origin(Origin.exactly, one) for one in allowed),
        Path(token_file) if token_file else None,
        Path(basic_auth) if basic_auth else None,
        further_headers(_object(headers)) if headers else {},
    )


def _object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ValueError("the headers for Prometheus are no JSON object of texts by name")
    return value


def _origin(read: Callable[[str], Origin], address: str) -> Origin:
    try:
        return read(address)
    except ValueError as error:
        raise ValueError(
            f"{address!r} is not an address of Prometheus: {error}; write it as "
            f"http://prometheus.monitoring:9090"
        ) from error
