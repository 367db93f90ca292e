"""Record what vLLM's own metrics logger exposes: an environment with ``vllm``, no accelerator needed.

Its engine does not run; the logger is told of finished requests as the engine would tell it.
"""

from __future__ import annotations

import random
from importlib.metadata import version
from unittest.mock import MagicMock

from prometheus_client import REGISTRY, generate_latest
from vllm.v1.engine import FinishReason
from vllm.v1.metrics.loggers import PrometheusStatLogger
from vllm.v1.metrics.stats import FinishedRequestStats, IterationStats

from tests.sources.recorders.common import LOADS, kept, write

SECONDS = {"fast": 0.1, "slow": 0.4, "failed": 0.1}
"""A request that is given up soon ends soon."""
REASONS = {"fast": FinishReason.STOP, "slow": FinishReason.LENGTH, "failed": FinishReason.ABORT}
PATTERN = r"vllm:(request_success_total|e2e_request_latency_seconds_(bucket|count|sum))\{.*"


def logger() -> PrometheusStatLogger:
    """The logger with the settings that it reads, for one engine without extras."""
    config = MagicMock(lora_config=None, speculative_config=None, kv_transfer_config=None)
    config.ec_transfer_config = config.watermark_config = None
    config.model_config = MagicMock(served_model_name="income", max_model_len=4096, is_diffusion=False)
    config.observability_config = MagicMock(
        show_hidden_metrics=False,
        kv_cache_metrics=False,
        enable_mfu_metrics=False,
        custom_histogram_buckets={},
    )
    return PrometheusStatLogger(config)


if __name__ == "__main__":
    lines = []
    for (namespace, service), load in LOADS.items():
        # Each load is a server of its own: the logger takes the metrics of the one before away.
        one, kinds = logger(), [kind for kind, times in load.items() for _ in range(times)]
        for kind in random.Random(0).sample(kinds, len(kinds)):
            iteration = IterationStats()
            iteration.finished_requests.append(FinishedRequestStats(REASONS[kind], e2e_latency=SECONDS[kind]))
            one.record(None, iteration)
        target = {"namespace": namespace, "service": service, "pod": f"{service}-1"}
        lines += kept(generate_latest(REGISTRY).decode(), PATTERN, target)
    write("vllm", f"vLLM {version('vllm')}, its metrics logger without its engine", lines)
