"""MLServer, the server of Seldon Core 2: inferences that succeeded and failed.

Metrics ``model_infer_request_success_total`` and ``model_infer_request_failure_total``, and for
REST ``rest_server_request_duration_seconds`` with the labels path (the template of the URL) and
status_code. Source:
https://docs.seldon.ai/mlserver/user-guide/metrics and
https://github.com/SeldonIO/MLServer/blob/master/mlserver/handlers/dataplane.py
"""

from __future__ import annotations

from bandit_operator.sources.presets.base import Durations, Latency, Requests, Success, by_service

SUCCESS = Success(
    Requests("model_infer_request_success_total", failures="model_infer_request_failure_total"), by_service
)
LATENCY = Latency(
    Durations("rest_server_request_duration_seconds", 'path=~".+/infer"', 'status_code!~"5.."'), by_service
)
