"""MLServer, the server of Seldon Core 2: inferences that succeeded and failed.

Metrics ``model_infer_request_success_total`` and ``model_infer_request_failure_total``, and for
REST ``rest_server_request_duration_seconds`` with the labels path (the template of the URL) and
status_code. Source:
https://docs.seldon.ai/mlserver/user-guide/metrics and
https://github.com/SeldonIO/MLServer/blob/master/mlserver/handlers/dataplane.py
"""

from __future__ import annotations

from bandit_operator.api.presets.base import Durations, Offered, Requests, Role, Software, service_label

MLSERVER = Software(
    name="MLServer",
    remark="Seldon Core 2",
    role=Role.SERVER,
    label=service_label,
    told_by="`service`",
    success=Offered(
        Requests("model_infer_request_success_total", failures="model_infer_request_failure_total"),
        "[`model_infer_request_success_total`, `model_infer_request_failure_total`]"
        "(https://docs.seldon.ai/mlserver/user-guide/metrics)",
        "a request that names inputs or a model that do not exist is a failure too, of every arm alike",
    ),
    latency=Offered(
        Durations("rest_server_request_duration_seconds", 'path=~".+/infer"', 'status_code!~"5.."'),
        "`rest_server_request_duration_seconds` of `/infer`, `status_code` not 5xx",
        "REST only; with the default `metrics_rest_server_prefix`; bounds: 5, 10, 25, 50, 75, 100, 250, 500,"
        " 750 ms, 1, 2.5, 5, 7.5, 10 s",
    ),
)
