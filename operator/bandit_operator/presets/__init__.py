"""Presets: rewards from the metrics of gateways and model servers, one file for each of them.

Declarations only, below the API, which makes its lists and rules from them. To add software: a file
here, and a line in ``SOFTWARE``; CONTRIBUTING.md has the whole list.
"""

from __future__ import annotations

from collections.abc import Mapping

from bandit_operator.presets.base import Preset, Role, RoutedArms, Software
from bandit_operator.presets.bentoml import BENTOML
from bandit_operator.presets.envoy_gateway import ENVOY_GATEWAY
from bandit_operator.presets.istio import ISTIO
from bandit_operator.presets.kserve import KSERVE
from bandit_operator.presets.mlserver import MLSERVER
from bandit_operator.presets.traefik import TRAEFIK
from bandit_operator.presets.triton import TRITON
from bandit_operator.presets.vllm import VLLM

SOFTWARE: Mapping[str, Software] = {
    "BentoML": BENTOML,
    "EnvoyGateway": ENVOY_GATEWAY,
    "Istio": ISTIO,
    "KServe": KSERVE,
    "MLServer": MLSERVER,
    "Traefik": TRAEFIK,
    "Triton": TRITON,
    "VLLM": VLLM,
}
"""By name, sorted."""
DEFAULT_GATEWAY = TRAEFIK
"""What a Gateway preset is read from where no implementation is named."""

__all__ = ["DEFAULT_GATEWAY", "SOFTWARE", "Preset", "Role", "RoutedArms", "Software"]
