"""KServe's Python model server: predictions begun and predictions returned.

Metrics ``request_predict_seconds_count``, which counts every prediction, also one that raised,
and ``request_postprocess_seconds_count``, which counts those that came back. Source:
https://kserve.github.io/website/latest/modelserving/observability/prometheus_metrics and
https://github.com/kserve/kserve/blob/master/python/kserve/kserve/model.py

Times of failures are in the histogram of predictions too, so there is no latency here.
"""

from __future__ import annotations

from bandit_operator.sources.presets.base import Requests, Success, by_service

SUCCESS = Success(
    Requests("request_postprocess_seconds_count", trials="request_predict_seconds_count"), by_service
)
