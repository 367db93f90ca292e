"""The operator's own settings, the same for all resources."""

from __future__ import annotations

from dataclasses import dataclass

from bandit_operator.runtime.election import LeaseSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``bandit-operator run`` was started with.

    ``prometheus_address`` serves resources that name no address of their own.
    ``namespaces`` limits what is watched; empty means the whole cluster.
    ``prometheus_token_file`` holds a bearer token, read again for each query.
    """

    lease: LeaseSettings
    prometheus_address: str | None = None
    prometheus_deadline: float = 5.0
    prometheus_token_file: str | None = None
    namespaces: tuple[str, ...] = ()
    listen: tuple[str, int] = ("0.0.0.0", 8080)
    concurrency: int = 32
