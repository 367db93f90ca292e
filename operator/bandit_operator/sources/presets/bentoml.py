"""BentoML: requests by endpoint and status code.

Metrics ``bentoml_service_request_total`` and ``bentoml_service_request_duration_seconds`` with the
labels endpoint and http_response_code. Probes and pages of the server itself are left out. Source:
https://docs.bentoml.com/en/latest/build-with-bentoml/observability/metrics.html
"""

from __future__ import annotations

from bandit_operator.sources.presets.base import Durations, Latency, Requests, Success, by_service

_PREDICTIONS = 'endpoint!~"/|/docs[.]json|/healthz|/livez|/metrics|/readyz|/schema[.]json|/static_content/.+"'
_ANSWERED = 'http_response_code!~"5.."'
_REQUESTS = "bentoml_service_request_total"

SUCCESS = Success(
    Requests(f"{_REQUESTS}{{{_PREDICTIONS},{_ANSWERED}}}", trials=f"{_REQUESTS}{{{_PREDICTIONS}}}"),
    by_service,
)
LATENCY = Latency(Durations("bentoml_service_request_duration_seconds", _PREDICTIONS, _ANSWERED), by_service)
