"""Traefik: requests by backend and status code.

Metrics ``traefik_service_requests_total`` and ``traefik_service_request_duration_seconds``
with the labels code and service, where ``metrics.prometheus.addServicesLabels`` is on; the default bounds
are 0.1, 0.3, 1.2 and 5 s. Source:
https://doc.traefik.io/traefik/observability/metrics/overview/ and
https://github.com/traefik/traefik/blob/master/pkg/observability/metrics/prometheus.go
"""

from __future__ import annotations

from bandit_operator.sources.labels import traefik_label
from bandit_operator.sources.presets.base import Durations, Latency, Requests, Success

TRAEFIK_REQUESTS = "traefik_service_requests_total"
"""Traefik's counter of requests."""


SUCCESS = Success(Requests(f'{TRAEFIK_REQUESTS}{{code!~"5.."}}', trials=TRAEFIK_REQUESTS), traefik_label)
LATENCY = Latency(
    Durations("traefik_service_request_duration_seconds", answered='code!~"5.."'), traefik_label
)
