"""The operator on a real control plane, installed from its chart."""

from __future__ import annotations

NAMESPACE = "e2e"
"""Of all that these tests roll out."""
ADDRESSES = f"prometheus.allowedAddresses={{http://broken-prometheus.{NAMESPACE}:80,http://127.0.0.1:9}}"
"""Value of the chart: where resources of these tests have rewards, beside the cluster's Prometheus."""
