"""KServe's Python model server: predictions begun and predictions returned.

Metrics ``request_predict_seconds_count``, which counts every prediction, also one that raised,
and ``request_postprocess_seconds_count``, which counts those that came back. Source:
https://kserve.github.io/website/latest/modelserving/observability/prometheus_metrics and
https://github.com/kserve/kserve/blob/master/python/kserve/kserve/model.py

Times of failures are in the histogram of predictions too, so there is no latency here.
"""

from __future__ import annotations

from bandit_operator.api.presets.base import NotOffered, Offered, Requests, Role, Software, service_label

KSERVE = Software(
    name="KServe",
    role=Role.SERVER,
    label=service_label,
    told_by="`service`",
    success=Offered(
        Requests("request_postprocess_seconds_count", trials="request_predict_seconds_count"),
        "[`request_predict_seconds_count`](https://kserve.github.io/website/latest/modelserving/observability/"
        "prometheus_metrics), success: `request_postprocess_seconds_count`",
        "KServe's Python server; for its other runtimes take theirs. A failure in preprocessing is not"
        " counted, one in postprocessing counts as a success; `explain` requests of the same model count as"
        " successes",
    ),
    latency=NotOffered(
        "KServe times failed predictions like others, so an arm that fails fast would win;"
        " use ServerSuccess, or GatewayLatency",
        "`request_predict_seconds` holds failed predictions as well.",
    ),
)
