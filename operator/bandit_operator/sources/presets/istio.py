"""Istio: requests by destination and response code, as the gateway reports them.

Metrics ``istio_requests_total`` and ``istio_request_duration_milliseconds`` with the labels
reporter (source: a gateway or a client's proxy), destination_service, response_code and
grpc_response_status. Code 0 means that the connection ended without an answer. Source:
https://istio.io/latest/docs/reference/config/metrics/
"""

from __future__ import annotations

from bandit_operator.sources.labels import istio_label
from bandit_operator.sources.presets.base import Durations, Latency, Requests, Success

_REPORTED = 'reporter="source"'
_ANSWERED = 'response_code!~"0|5..",grpc_response_status!~"2|4|12|13|14|15"'
"""No 5xx, and none of gRPC's statuses that correspond to it: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED,
INTERNAL, UNAVAILABLE and DATA_LOSS (https://grpc.io/docs/guides/status-codes/)."""


SUCCESS = Success(
    Requests(
        f"istio_requests_total{{{_REPORTED},{_ANSWERED}}}", trials=f"istio_requests_total{{{_REPORTED}}}"
    ),
    istio_label,
)
LATENCY = Latency(
    Durations("istio_request_duration_milliseconds", _REPORTED, _ANSWERED, per_second=1000.0), istio_label
)
