"""NVIDIA Triton: inference requests that succeeded and failed.

Metrics ``nv_inference_request_success`` and ``nv_inference_request_failure``, one a request, also
for a batch. What a model of the Python backend raises is a failure, but what it returns as
``TritonError`` a success (https://github.com/triton-inference-server/server/issues/7713). Source:
https://github.com/triton-inference-server/server/blob/main/docs/user_guide/metrics.md

Its times are sums or quantiles; its one histogram, ``nv_inference_first_response_histogram_ms``,
is off by default and of decoupled models' first responses, so there is no latency here.
"""

from __future__ import annotations

from bandit_operator.sources.presets.base import Requests, Success, by_service

SUCCESS = Success(
    Requests("nv_inference_request_success", failures="nv_inference_request_failure"), by_service
)
