"""The operator's own settings, the same for all resources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bandit_operator.adapters.access import Access, Origin
from bandit_operator.runtime.election import LeaseSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``bandit-operator run`` was started with.

    ``prometheus_address`` serves resources that name no address of their own.
    ``prometheus_access`` says which others resources may name, and what identifies the operator.
    ``namespaces`` limits what is watched; empty means the whole cluster.
    ``bind_namespace`` lets a resource read series of its own namespace only.
    """

    lease: LeaseSettings
    prometheus_address: str | None = None
    prometheus_deadline: float = 5.0
    prometheus_access: Access = field(default_factory=Access)
    bind_namespace: bool = False
    namespaces: tuple[str, ...] = ()
    listen: tuple[str, int] = ("0.0.0.0", 8080)
    concurrency: int = 32


def access_to(address: str | None, allowed: Sequence[str], token_file: str | None) -> Access:
    """Which Prometheus servers may be asked, and with what.

    Args:
        address: that of the operator's own server, if it has one.
        allowed: others that resources may name, each as scheme://host:port.
        token_file: where the own server's bearer token is, if it takes one.

    Raises:
        ValueError: An address is none; the message says which and how it is written.
    """
    return Access(
        _origin(Origin.of, address) if address else None,
        frozenset(_origin(Origin.exactly, one) for one in allowed),
        Path(token_file) if token_file else None,
    )


def _origin(read: Callable[[str], Origin], address: str) -> Origin:
    try:
        return read(address)
    except ValueError as error:
        raise ValueError(
            f"{address!r} is not an address of Prometheus: {error}; write it as "
            f"http://prometheus.monitoring:9090"
        ) from error
