"""NVIDIA Triton: inference requests that succeeded and failed.

Metrics ``nv_inference_request_success`` and ``nv_inference_request_failure``, one a request, also
for a batch. What a model of the Python backend raises is a failure, but what it returns as
``TritonError`` a success (https://github.com/triton-inference-server/server/issues/7713). Source:
https://github.com/triton-inference-server/server/blob/main/docs/user_guide/metrics.md

Its times are sums or quantiles; its one histogram, ``nv_inference_first_response_histogram_ms``,
is off by default and of decoupled models' first responses, so there is no latency here.
"""

from __future__ import annotations

from bandit_operator.api.presets.base import NotOffered, Offered, Requests, Role, Software, service_label

TRITON = Software(
    name="Triton",
    role=Role.SERVER,
    label=service_label,
    told_by="`service`",
    success=Offered(
        Requests("nv_inference_request_success", failures="nv_inference_request_failure"),
        "[`nv_inference_request_success`, `nv_inference_request_failure`]"
        "(https://github.com/triton-inference-server/server/blob/main/docs/user_guide/metrics.md)",
        "all models of the server count together, those of an ensemble each. What a Python model raises is a"
        " failure, but an error that it returns as `TritonError` [counts as a success]"
        "(https://github.com/triton-inference-server/server/issues/7713)",
    ),
    latency=NotOffered(
        "Triton has a histogram of the first responses of decoupled models only;"
        " use ServerSuccess, or GatewayLatency",
        "`nv_inference_request_duration_us` is a sum and its summaries are quantiles, from neither of which"
        " requests can be counted; its one histogram is off by default and of the first responses of"
        " decoupled models.",
    ),
)
