"""Istio: requests by destination and response code, as the gateway reports them.

Metrics ``istio_requests_total`` and ``istio_request_duration_milliseconds`` with the labels
reporter (source: a gateway or a client's proxy), destination_service, response_code and
grpc_response_status. Code 0 means that the connection ended without an answer. Source:
https://istio.io/latest/docs/reference/config/metrics/
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

_REPORTED = 'reporter="source"'
_ANSWERED = 'response_code!~"0|5..",grpc_response_status!~"2|4|12|13|14|15"'
"""No 5xx, and none of gRPC's statuses that correspond to it: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED,
INTERNAL, UNAVAILABLE and DATA_LOSS (https://grpc.io/docs/guides/status-codes/)."""


def _host_label(arms: RoutedArms) -> ArmLabel:
    """The host of the Service that a request was for."""
    hosts = (
        (arm, f"{re.escape(backend.name)}[.]{re.escape(backend.namespace)}[.]svc[.].+")
        for arm, backend in arms.backends.items()
    )
    return ArmLabel("destination_service", tuple(hosts))


ISTIO = Software(
    name="Istio",
    role=Role.GATEWAY,
    label=_host_label,
    told_by="`destination_service`",
    success=Offered(
        Requests(
            f"istio_requests_total{{{_REPORTED},{_ANSWERED}}}", trials=f"istio_requests_total{{{_REPORTED}}}"
        ),
        "[`istio_requests_total`](https://istio.io/latest/docs/reference/config/metrics/) with"
        ' `reporter="source"`, success: `response_code` neither 5xx nor 0, nor an error status of'
        " gRPC's own",
        "calls of other workloads in the mesh to the same Service count as well. Later releases have the"
        " extension built in, with the same names; names, labels and bounds also agree with [what others"
        " recorded](https://github.com/DataDog/integrations-core/tree/master/istio/tests/fixtures) of a whole"
        " Istio 1.5",
    ),
    latency=Offered(
        Durations("istio_request_duration_milliseconds", _REPORTED, _ANSWERED, per_second=1000.0),
        "`istio_request_duration_milliseconds`, as above",
        "bounds: 0.5, 1, 5, 10, 25, 50, 100, 250, 500 ms, 1, 2.5, 5, 10 s and more",
    ),
)
