"""The API's part of presets: which can be asked of whom, and what must be set beside them.

All of it is made from what each software declares (``bandit_operator.api.presets``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bandit_operator.api.presets import DEFAULT_GATEWAY, SOFTWARE, Preset, Role
from bandit_operator.api.presets.base import LATENCY, SUCCESS, NotOffered
from bandit_operator.api.rules import OneOf, Rule

NAMES = OneOf(tuple(SOFTWARE))
"""What ``implementation`` may be."""
_LATENCY = sorted(LATENCY.values())
_SERVER = sorted((LATENCY[Role.SERVER], SUCCESS[Role.SERVER]))


def description() -> str:
    """Return the text of ``implementation``."""
    gateways, servers = (_in_words(role) for role in (Role.GATEWAY, Role.SERVER))
    return (
        f"Whose metrics the preset reads. For Gateway presets {gateways}; for Server presets {servers}."
        " docs/presets.md has each one's metrics."
    )


def _in_words(role: Role) -> str:
    """All software of a role, each with its remark."""
    words = []
    for software in SOFTWARE.values():
        if software.role == role:
            default = "the default" if software is DEFAULT_GATEWAY else ""
            remarks = "; ".join(remark for remark in (default, software.remark) if remark)
            words.append(f"{software.name} ({remarks})" if remarks else software.name)
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def preset_rules() -> Iterator[Rule]:
    """Yield the rules of ``spec.reward.prometheus`` about presets."""
    yield Rule(
        "!has(self.implementation) || has(self.preset)",
        "implementation says whose metrics a preset reads; set preset, or remove implementation",
        holds=lambda prometheus: prometheus.implementation is None or prometheus.preset is not None,
        field=".implementation",
        forbidden=True,
    )
    yield Rule(
        f"!has(self.latencyTarget) || (has(self.preset) && self.preset in {_texts(_LATENCY)})",
        f"latencyTarget belongs to preset {' or '.join(_LATENCY)}; set one of them, or remove latencyTarget",
        holds=lambda prometheus: prometheus.latency_target is None or prometheus.preset in _LATENCY,
        field=".latencyTarget",
        forbidden=True,
    )
    yield Rule(
        f"!has(self.preset) || !(self.preset in {_texts(_LATENCY)}) || has(self.latencyTarget)",
        "preset {self.preset} needs latencyTarget, within which a request must be answered;"
        " set it, for example to 250ms",
        holds=lambda prometheus: prometheus.preset not in _LATENCY or prometheus.latency_target is not None,
        field=".preset",
    )
    yield Rule(
        f"!has(self.preset) || !(self.preset in {_texts(_SERVER)}) || has(self.implementation)",
        "preset {self.preset} needs implementation, the model server;"
        f" set it to one of {', '.join(_names_of(Role.SERVER))}",
        holds=lambda prometheus: prometheus.preset not in _SERVER or prometheus.implementation is not None,
        field=".preset",
    )
    yield _role_rule(Role.SERVER)
    yield _role_rule(Role.GATEWAY)
    for software in SOFTWARE.values():
        for preset, offer in software.offers().items():
            if isinstance(offer, NotOffered):
                yield _not_offered_rule(preset, software.name, offer.why)


def _role_rule(role: Role) -> Rule:
    """Gateway presets are read from gateways, and Server presets from model servers."""
    presets, names = sorted((LATENCY[role], SUCCESS[role])), _names_of(role)
    return Rule(
        f"!has(self.preset) || !has(self.implementation) || !(self.preset in {_texts(presets)})"
        f" || self.implementation in {names}",
        "preset {self.preset} cannot be read from {self.implementation};"
        f" set implementation to one of {', '.join(names)}",
        holds=lambda prometheus: (
            prometheus.implementation is None
            or prometheus.preset not in presets
            or prometheus.implementation in names
        ),
        field=".implementation",
    )


def _not_offered_rule(preset: Preset, name: str, why: str) -> Rule:
    return Rule(
        f"!has(self.preset) || !has(self.implementation) || self.preset != '{preset}'"
        f" || self.implementation != '{name}'",
        f"{name} has no {preset}: {why}",
        holds=lambda prometheus: (prometheus.preset, prometheus.implementation) != (preset, name),
        field=".implementation",
    )


def _names_of(role: Role) -> list[str]:
    return [name for name, software in SOFTWARE.items() if software.role == role]


def _texts(presets: Collection[Preset]) -> list[str]:
    return [str(preset) for preset in presets]
