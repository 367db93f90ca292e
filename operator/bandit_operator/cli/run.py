"""``bandit-operator run``: the operator itself."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path

import click

from bandit_operator import app
from bandit_operator.adapters.kubernetes import NoCluster
from bandit_operator.adapters.webhooks import webhooks_in
from bandit_operator.cli.numbers import Finite
from bandit_operator.runtime.election import LeaseSettings
from bandit_operator.runtime.settings import Settings, access_to
from bandit_operator.runtime.shards import MOST_SHARDS
from bandit_operator.runtime.telemetry import LOG_FORMATS, configure_logging

MOST_PORT = 65_535
SECONDS = Finite(0, 86_400, min_open=True)


@click.command(context_settings={"auto_envvar_prefix": "BANDIT_OPERATOR", "show_default": True})
@click.option(
    "--prometheus-address",
    help="Prometheus for resources that name none, e.g. http://prometheus.monitoring:9090.",
)
@click.option(
    "--prometheus-deadline",
    default=5.0,
    type=SECONDS,
    help="Longest wait for an answer of Prometheus, in seconds.",
)
@click.option(
    "--prometheus-token-file",
    help="File with a bearer token for that Prometheus; read again for each query, sent to no other.",
)
@click.option(
    "--prometheus-basic-auth-dir",
    help="Folder with the files username and password for that Prometheus; used in place of the token.",
)
@click.option(
    "--prometheus-headers",
    default="",
    help='Further headers for that Prometheus, sent to no other: {"X-Scope-OrgID": "models"}.',
)
@click.option(
    "--prometheus-allowed-addresses",
    default="",
    help="Addresses that resources may name beside it, as scheme://host:port, separated by commas.",
)
@click.option(
    "--bind-namespace",
    is_flag=True,
    help="Let each resource read only series whose label namespace is its own namespace.",
)
@click.option(
    "--notify-config",
    help="File that lists the webhooks that are told of rollbacks and the like: docs/notifications.md.",
)
@click.option(
    "--watch-namespaces", default="", help="Namespaces to watch, separated by commas. Default: all."
)
@click.option("--lease-name", default="bandit-operator", help="Lease that decides which replica acts.")
@click.option("--lease-namespace", default="default", help="Namespace of the lease.")
@click.option(
    "--lease-duration",
    default=15.0,
    type=SECONDS,
    help="Seconds after which another replica may take an unrenewed lease.",
)
@click.option(
    "--lease-deadline",
    default=10.0,
    type=SECONDS,
    help="Seconds after which the holder itself stops acting without renewal.",
)
@click.option("--lease-period", default=2.0, type=SECONDS, help="Seconds between two renewals.")
@click.option(
    "--pod-name", default=socket.gethostname, show_default="host name", help="Identity of this replica."
)
@click.option("--listen-address", default="0.0.0.0:8080", help="Address of /metrics, /healthz and /readyz.")
@click.option(
    "--web-address", help="Address of the web page, e.g. 0.0.0.0:8081; without it there is none: docs/web.md."
)
@click.option(
    "--shards",
    default=1,
    type=click.IntRange(1, MOST_SHARDS),
    help="Among how many leases the resources are divided, so that as many replicas act; the same for all.",
)
@click.option(
    "--concurrency",
    default=32,
    type=click.IntRange(1, 10_000),
    help="Most resources that are looked at at once.",
)
@click.option(
    "--log-level",
    default="info",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
)
@click.option(
    "--log-format",
    default=next(iter(LOG_FORMATS)),
    type=click.Choice(list(LOG_FORMATS)),
    help="json: an object a line, for what collects logs; text: for people.",
)
def run(
    prometheus_address: str | None,
    prometheus_deadline: float,
    prometheus_token_file: str | None,
    prometheus_basic_auth_dir: str | None,
    prometheus_headers: str,
    prometheus_allowed_addresses: str,
    bind_namespace: bool,
    notify_config: str | None,
    watch_namespaces: str,
    lease_name: str,
    lease_namespace: str,
    lease_duration: float,
    lease_deadline: float,
    lease_period: float,
    pod_name: str,
    listen_address: str,
    web_address: str | None,
    shards: int,
    concurrency: int,
    log_level: str,
    log_format: str,
) -> None:
    """Run the operator until SIGTERM.

    Inside a Pod it uses the Pod's ServiceAccount, elsewhere the kubeconfig in use. Every
    option can also be set in the environment: --prometheus-address by
    BANDIT_OPERATOR_PROMETHEUS_ADDRESS, and so on. The chart does that. A second signal ends
    it at once, without handing its leases over.
    """
    if not lease_period < lease_deadline < lease_duration:
        raise click.UsageError(
            f"--lease-period {lease_period:g} < --lease-deadline {lease_deadline:g} < "
            f"--lease-duration {lease_duration:g} must hold; raise the duration"
        )
    try:
        access = access_to(
            prometheus_address,
            _listed(prometheus_allowed_addresses),
            prometheus_token_file,
            prometheus_basic_auth_dir,
            prometheus_headers,
        )
        webhooks = webhooks_in(Path(notify_config)) if notify_config else ()
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    configure_logging(log_level, log_format)
    settings = Settings(
        lease=LeaseSettings(
            lease_name, lease_namespace, pod_name, lease_duration, lease_deadline, lease_period
        ),
        prometheus_address=prometheus_address or None,
        prometheus_deadline=prometheus_deadline,
        prometheus_access=access,
        bind_namespace=bind_namespace,
        webhooks=webhooks,
        namespaces=_listed(watch_namespaces),
        listen=_address(listen_address, "--listen-address", 8080),
        web_listen=_address(web_address, "--web-address", 8081) if web_address else None,
        concurrency=concurrency,
        shards=shards,
    )
    try:
        asyncio.run(app.run(settings))
    except NoCluster as error:
        raise click.ClickException(str(error)) from error


def _listed(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())


def _address(text: str, option: str, usual: int) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not re.fullmatch("[0-9]{1,5}", port) or int(port) > MOST_PORT:
        raise click.BadParameter(
            f"{text!r} has no port up to {MOST_PORT}; write it as 0.0.0.0:{usual}", param_hint=option
        )
    return host, int(port)
