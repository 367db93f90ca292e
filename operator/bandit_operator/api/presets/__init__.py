"""Presets: rewards from the metrics of gateways and model servers, one file for each of them.

Declarations only: the API makes its lists and rules from them. They import nothing of the models.

To add software: a file here, and a line in ``SOFTWARE``; CONTRIBUTING.md has the whole list.
"""

from __future__ import annotations

from collections.abc import Mapping

from bandit_operator.api.presets.base import Preset, Role, RoutedArms, Software
from bandit_operator.api.presets.bentoml import BENTOML
from bandit_operator.api.presets.envoy_gateway import ENVOY_GATEWAY
from bandit_operator.api.presets.istio import ISTIO
from bandit_operator.api.presets.kserve import KSERVE
from bandit_operator.api.presets.mlserver import MLSERVER
from bandit_operator.api.presets.traefik import TRAEFIK
from bandit_operator.api.presets.triton import TRITON
from bandit_operator.api.presets.vllm import VLLM

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
