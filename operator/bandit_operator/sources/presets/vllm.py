"""vLLM: finished requests by the reason why they finished.

Metrics ``vllm:request_success_total``, which in spite of its name counts every finished request by
finished_reason (stop and length; abort, error and repetition), and
``vllm:e2e_request_latency_seconds``, which has no reason. Source:
https://docs.vllm.ai/en/latest/usage/metrics.html and
https://github.com/vllm-project/vllm/blob/main/vllm/v1/metrics/loggers.py
"""

from __future__ import annotations

from bandit_operator.sources.presets.base import Durations, Latency, Requests, Success, by_service

_FINISHED = "vllm:request_success_total"

SUCCESS = Success(Requests(f'{_FINISHED}{{finished_reason=~"stop|length"}}', trials=_FINISHED), by_service)
LATENCY = Latency(Durations("vllm:e2e_request_latency_seconds"), by_service)
