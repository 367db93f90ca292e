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
        message="implementation says whose metrics a preset reads; set preset, or remove implementation",
        field=".implementation",
        forbidden=True,
    )
    yield Rule(
        f"!has(self.latencyTarget) || (has({preset}) && {preset} in {latency})",
        message=f"latencyTarget belongs to preset {' or '.join(latency)};"
        " set one of them, or remove latencyTarget",
        field=".latencyTarget",
        forbidden=True,
    )
    yield Rule(
        f"!has({preset}) || !({preset} in {latency}) || has(self.latencyTarget)",
        expression=f"'preset ' + {preset} + ' needs latencyTarget, within which a request must be answered;"
        " set it, for example to 250ms'",
        field=".preset",
    )
    yield Rule(
        f"!has({preset}) || !({preset} in {server}) || has(self.implementation)",
        expression=f"'preset ' + {preset} + ' needs implementation, the model server;"
        f" set it to one of {', '.join(_SERVERS)}'",
        field=".preset",
    )
    for kinds, names in ((server, _SERVERS), (_texts(tuple(set(Preset) - set(_SERVER))), _GATEWAYS)):
        yield Rule(
            f"!has({preset}) || !has(self.implementation) || !({preset} in {sorted(kinds)})"
            f" || self.implementation in {_texts(names)}",
            expression=f"'preset ' + {preset} + ' cannot be read from ' + self.implementation"
            f" + '; set implementation to one of {', '.join(names)}'",
            field=".implementation",
        )
    for (one, implementation), why in NOT_OFFERED.items():
        yield Rule(
            f"!has({preset}) || !has(self.implementation) || {preset} != '{one}'"
            f" || self.implementation != '{implementation}'",
            message=f"{implementation} has no {one}: {why}".replace("'", "\\'"),
            field=".implementation",
        )


def preset_fault(
    preset: Preset | None, implementation: Implementation | None, latency_target: str | None
) -> str | None:
    """Return what those rules would say, or None where they hold."""
    if preset is None:
        given = {"implementation": implementation, "latencyTarget": latency_target}
        extra = [name for name, value in given.items() if value is not None]
        return f"{extra[0]} belongs to a preset; set preset, or remove {extra[0]}" if extra else None
    if (preset in _LATENCY) != (latency_target is not None):
        if latency_target is None:
            return f"preset {preset} needs latencyTarget; set it, for example to 250ms"
        return f"latencyTarget belongs to preset {' or '.join(_LATENCY)}; remove latencyTarget"
    if implementation is None:
        names = ", ".join(_SERVERS)
        return (
            f"preset {preset} needs implementation; set it to one of {names}" if preset in _SERVER else None
        )
    if implementation not in candidates(preset):
        names = ", ".join(candidates(preset))
        return f"preset {preset} cannot be read from {implementation}; set implementation to one of {names}"
    why = NOT_OFFERED.get((preset, implementation))
    return None if why is None else f"{implementation} has no {preset}: {why}"
