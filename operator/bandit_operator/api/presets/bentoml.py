"""BentoML: requests by endpoint and status code.

Metrics ``bentoml_service_request_total`` and ``bentoml_service_request_duration_seconds`` with the
labels endpoint and http_response_code. Probes and pages of the server itself are left out. Source:
https://docs.bentoml.com/en/latest/build-with-bentoml/observability/metrics.html
"""

from __future__ import annotations

from bandit_operator.api.presets.base import Durations, Offered, Requests, Role, Software, service_label

_PREDICTIONS = 'endpoint!~"/|/docs[.]json|/healthz|/livez|/metrics|/readyz|/schema[.]json|/static_content/.+"'
_ANSWERED = 'http_response_code!~"5.."'
_REQUESTS = "bentoml_service_request_total"

BENTOML = Software(
    name="BentoML",
    role=Role.SERVER,
    label=service_label,
    told_by="`service`",
    success=Offered(
        Requests(f"{_REQUESTS}{{{_PREDICTIONS},{_ANSWERED}}}", trials=f"{_REQUESTS}{{{_PREDICTIONS}}}"),
        "[`bentoml_service_request_total`](https://docs.bentoml.com/en/latest/build-with-bentoml/observability/"
        "metrics.html), success: `http_response_code` not 5xx",
        "a Bento of several Services counts their calls to each other too; a path that does not exist (404)"
        " is a success, of every arm alike",
    ),
    latency=Offered(
        Durations("bentoml_service_request_duration_seconds", _PREDICTIONS, _ANSWERED),
        "`bentoml_service_request_duration_seconds`, `http_response_code` not 5xx",
        "set `metrics.duration` of the Bento so that the target is a bound",
    ),
)
