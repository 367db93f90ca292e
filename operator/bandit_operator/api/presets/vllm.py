"""vLLM: finished requests by the reason why they finished.

Metrics ``vllm:request_success_total``, which in spite of its name counts every finished request by
finished_reason (stop and length; abort, error and repetition), and
``vllm:e2e_request_latency_seconds``, which has no reason. Source:
https://docs.vllm.ai/en/latest/usage/metrics.html and
https://github.com/vllm-project/vllm/blob/main/vllm/v1/metrics/loggers.py
"""

from __future__ import annotations

from bandit_operator.api.presets.base import Durations, Offered, Requests, Role, Software, service_label

_FINISHED = "vllm:request_success_total"

VLLM = Software(
    name="VLLM",
    role=Role.SERVER,
    label=service_label,
    told_by="`service`",
    success=Offered(
        Requests(f'{_FINISHED}{{finished_reason=~"stop|length"}}', trials=_FINISHED),
        "[`vllm:request_success_total`](https://docs.vllm.ai/en/latest/usage/metrics.html), success:"
        " `finished_reason` stop or length",
        "a request that the client gave up is a failure; one refused before it began is not counted",
    ),
    latency=Offered(
        Durations("vllm:e2e_request_latency_seconds"),
        "`vllm:e2e_request_latency_seconds`",
        "its histogram has no reason why a request ended: one given up soon counts as answered soon",
    ),
)
