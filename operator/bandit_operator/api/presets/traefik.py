"""Traefik: requests by backend and status code.

Metrics ``traefik_service_requests_total`` and ``traefik_service_request_duration_seconds``
with the labels code and service, where ``metrics.prometheus.addServicesLabels`` is on; the default bounds
are 0.1, 0.3, 1.2 and 5 s. Source:
https://doc.traefik.io/traefik/observability/metrics/overview/ and
https://github.com/traefik/traefik/blob/master/pkg/observability/metrics/prometheus.go
"""

from __future__ import annotations

import re

from bandit_operator.api.presets.base import (
    ArmLabel,
    Durations,
    Offered,
    Requests,
    Role,
    RoutedArms,
    Software,
)

_REQUESTS = "traefik_service_requests_total"


def _service_label(arms: RoutedArms) -> ArmLabel:
    """How Traefik labels the backends of a Gateway API route.

    Since version 3.7 the name of the service begins with the route, the gateway and the rule;
    before that it was namespace, backend and port only.
    """
    route = arms.route
    prefix = f"{route.kind.lower()}-{_joined(route.namespace, route.name)}-gw-.+-svc-"
    patterns = (
        (arm, f"({prefix})?{_joined(backend.namespace, backend.name)}-[0-9]+@kubernetesgateway")
        for arm, backend in arms.backends.items()
    )
    return ArmLabel("service", tuple(patterns))


def _joined(*parts: str) -> str:
    """The parts joined as Traefik does, which replaces what is no letter or digit."""
    return "-".join(re.findall("[A-Za-z0-9]+", "-".join(parts)))


TRAEFIK = Software(
    name="Traefik",
    remark="needs metrics.prometheus.addServicesLabels",
    role=Role.GATEWAY,
    label=_service_label,
    told_by="`service`",
    request_counter=_REQUESTS,
    success=Offered(
        Requests(f'{_REQUESTS}{{code!~"5.."}}', trials=_REQUESTS),
        "[`traefik_service_requests_total`](https://doc.traefik.io/traefik/observability/metrics/overview/),"
        " success: `code` not 5xx",
        "where a `ServiceMonitor` scrapes it, it needs `honorLabels: true`, or its `service` becomes"
        " `exported_service`; an error of gRPC that travels as HTTP 200 counts as a success",
    ),
    latency=Offered(
        Durations("traefik_service_request_duration_seconds", answered='code!~"5.."'),
        "`traefik_service_request_duration_seconds`, `code` not 5xx",
        "default bounds: 100ms, 300ms, 1200ms, 5s",
    ),
)
