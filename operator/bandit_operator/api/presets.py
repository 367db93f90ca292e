"""Presets: which there are, for which software, and what must be set beside them.

``bandit_operator.sources.presets`` has the metrics; a test holds the two tables together.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from bandit_operator.api.rules import Rule


class Preset(StrEnum):
    """Rewards that need no metric of the model's own."""

    GATEWAY_LATENCY = "GatewayLatency"
    """A request is a success if the gateway answered it in time, and not with 5xx."""
    GATEWAY_SUCCESS = "GatewaySuccess"
    """A request is a success unless the gateway answered it with 5xx."""
    SERVER_LATENCY = "ServerLatency"
    """As GatewayLatency, by the model server's own counters."""
    SERVER_SUCCESS = "ServerSuccess"
    """As GatewaySuccess, by the model server's own counters."""


class Implementation(StrEnum):
    """Software whose metrics a preset reads."""

    BENTOML = "BentoML"
    ENVOY_GATEWAY = "EnvoyGateway"
    ISTIO = "Istio"
    KSERVE = "KServe"
    MLSERVER = "MLServer"
    TRAEFIK = "Traefik"
    TRITON = "Triton"
    VLLM = "VLLM"


_LATENCY = (Preset.GATEWAY_LATENCY, Preset.SERVER_LATENCY)
_SERVER = (Preset.SERVER_LATENCY, Preset.SERVER_SUCCESS)
_GATEWAY = (Preset.GATEWAY_LATENCY, Preset.GATEWAY_SUCCESS)
_GATEWAYS = (Implementation.ENVOY_GATEWAY, Implementation.ISTIO, Implementation.TRAEFIK)
_SERVERS = (
    Implementation.BENTOML,
    Implementation.KSERVE,
    Implementation.MLSERVER,
    Implementation.TRITON,
    Implementation.VLLM,
)
NOT_OFFERED = {
    (Preset.GATEWAY_LATENCY, Implementation.ENVOY_GATEWAY): (
        "Envoy times requests without their status code, so an arm that fails fast would win;"
        " use GatewaySuccess, or ServerLatency"
    ),
    (Preset.SERVER_LATENCY, Implementation.KSERVE): (
        "KServe times failed predictions like others, so an arm that fails fast would win;"
        " use ServerSuccess, or GatewayLatency"
    ),
    (Preset.SERVER_LATENCY, Implementation.TRITON): (
        "Triton has a histogram of the first responses of decoupled models only;"
        " use ServerSuccess, or GatewayLatency"
    ),
}
"""Combinations that would be wrong, and why."""


def candidates(preset: Preset) -> tuple[Implementation, ...]:
    """Return the software that a preset is about, including what is not offered for a reason."""
    return _SERVERS if preset in _SERVER else _GATEWAYS


OFFERED = tuple(
    (preset, implementation)
    for preset in Preset
    for implementation in candidates(preset)
    if (preset, implementation) not in NOT_OFFERED
)
"""What can be had, sorted."""


def _texts(values: tuple[StrEnum, ...]) -> list[str]:
    return [str(value) for value in values]


def preset_rules() -> Iterator[Rule]:
    """Yield the rules of ``spec.reward.prometheus`` about presets."""
    preset, latency, server = "self.preset", _texts(_LATENCY), _texts(_SERVER)
    yield Rule(
        "!has(self.implementation) || has(self.preset)",
        "implementation says whose metrics a preset reads; set preset, or remove implementation",
        holds=lambda prometheus: prometheus.implementation is None or prometheus.preset is not None,
        field=".implementation",
        forbidden=True,
    )
    yield Rule(
        f"!has(self.latencyTarget) || (has({preset}) && {preset} in {latency})",
        f"latencyTarget belongs to preset {' or '.join(latency)}; set one of them, or remove latencyTarget",
        holds=lambda prometheus: prometheus.latency_target is None or prometheus.preset in _LATENCY,
        field=".latencyTarget",
        forbidden=True,
    )
    yield Rule(
        f"!has({preset}) || !({preset} in {latency}) || has(self.latencyTarget)",
        "preset {self.preset} needs latencyTarget, within which a request must be answered;"
        " set it, for example to 250ms",
        holds=lambda prometheus: prometheus.preset not in _LATENCY or prometheus.latency_target is not None,
        field=".preset",
    )
    yield Rule(
        f"!has({preset}) || !({preset} in {server}) || has(self.implementation)",
        "preset {self.preset} needs implementation, the model server;"
        f" set it to one of {', '.join(_SERVERS)}",
        holds=lambda prometheus: prometheus.preset not in _SERVER or prometheus.implementation is not None,
        field=".preset",
    )
    for kinds, software in ((_SERVER, _SERVERS), (_GATEWAY, _GATEWAYS)):
        yield _is_of_the_kind(kinds, software)
    for (one, implementation), why in NOT_OFFERED.items():
        yield _is_offered(one, implementation, why)


def _is_of_the_kind(presets: tuple[Preset, ...], software: tuple[Implementation, ...]) -> Rule:
    return Rule(
        f"!has(self.preset) || !has(self.implementation) || !(self.preset in {_texts(presets)})"
        f" || self.implementation in {_texts(software)}",
        "preset {self.preset} cannot be read from {self.implementation};"
        f" set implementation to one of {', '.join(software)}",
        holds=lambda prometheus: (
            prometheus.implementation is None
            or prometheus.preset not in presets
            or prometheus.implementation in software
        ),
        field=".implementation",
    )


def _is_offered(preset: Preset, implementation: Implementation, why: str) -> Rule:
    return Rule(
        f"!has(self.preset) || !has(self.implementation) || self.preset != '{preset}'"
        f" || self.implementation != '{implementation}'",
        f"{implementation} has no {preset}: {why}",
        holds=lambda prometheus: (prometheus.preset, prometheus.implementation) != (preset, implementation),
        field=".implementation",
    )
