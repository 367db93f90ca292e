"""Presets: rewards from the metrics of gateways and model servers, one file for each of them.

To add one: a file here with ``SUCCESS`` or ``LATENCY`` or both, lines in ``PRESETS``, the name in
``bandit_operator.api.presets``, and the golden questions of its tests.
"""

from __future__ import annotations

from bandit_operator.api.presets import Implementation, Preset
from bandit_operator.sources.base import RewardSource
from bandit_operator.sources.presets import (
    bentoml,
    envoy_gateway,
    istio,
    kserve,
    mlserver,
    traefik,
    triton,
    vllm,
)

PRESETS: dict[tuple[Preset, Implementation], RewardSource] = {
    (Preset.GATEWAY_LATENCY, Implementation.ISTIO): istio.LATENCY,
    (Preset.GATEWAY_LATENCY, Implementation.TRAEFIK): traefik.LATENCY,
    (Preset.GATEWAY_SUCCESS, Implementation.ENVOY_GATEWAY): envoy_gateway.SUCCESS,
    (Preset.GATEWAY_SUCCESS, Implementation.ISTIO): istio.SUCCESS,
    (Preset.GATEWAY_SUCCESS, Implementation.TRAEFIK): traefik.SUCCESS,
    (Preset.SERVER_LATENCY, Implementation.BENTOML): bentoml.LATENCY,
    (Preset.SERVER_LATENCY, Implementation.MLSERVER): mlserver.LATENCY,
    (Preset.SERVER_LATENCY, Implementation.VLLM): vllm.LATENCY,
    (Preset.SERVER_SUCCESS, Implementation.BENTOML): bentoml.SUCCESS,
    (Preset.SERVER_SUCCESS, Implementation.KSERVE): kserve.SUCCESS,
    (Preset.SERVER_SUCCESS, Implementation.MLSERVER): mlserver.SUCCESS,
    (Preset.SERVER_SUCCESS, Implementation.TRITON): triton.SUCCESS,
    (Preset.SERVER_SUCCESS, Implementation.VLLM): vllm.SUCCESS,
}
"""By preset and implementation, sorted."""


def preset_of(preset: Preset, implementation: Implementation | None) -> RewardSource:
    """The source of a preset; a gateway that is not named is Traefik."""
    return PRESETS[preset, implementation or Implementation.TRAEFIK]
