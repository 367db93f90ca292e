"""A file that no API server has seen is checked for what it says of presets."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from bandit_operator.api.preset_rules import description
from bandit_operator.api.presets import DEFAULT_GATEWAY, SOFTWARE, Preset
from bandit_operator.api.presets.base import NotOffered
from bandit_operator.api.v1alpha1 import InvalidResource, parse

OFFERS = [
    pytest.param(preset, software.name, offer, id=f"{preset}-{software.name}")
    for software in SOFTWARE.values()
    for preset, offer in software.offers().items()
]


@pytest.fixture
def with_reward(smallest: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """The smallest manifest with other rewards."""

    def make(**prometheus: str) -> dict[str, Any]:
        smallest["spec"]["reward"] = {"prometheus": prometheus}
        return smallest

    return make


def combination(preset: Preset, implementation: str) -> dict[str, str]:
    target = {"latencyTarget": "250ms"} if preset.endswith("Latency") else {}
    return {"preset": preset, "implementation": implementation, **target}


@pytest.mark.parametrize(("preset", "implementation", "offer"), OFFERS)
def test_what_is_offered_is_accepted_and_what_would_mislead_is_refused_with_the_reason(
    with_reward: Callable[..., dict[str, Any]], preset: Any, implementation: Any, offer: Any
) -> None:
    manifest = with_reward(**combination(preset, implementation))
    if isinstance(offer, NotOffered):
        with pytest.raises(InvalidResource, match=re.escape(f"has no {preset}: {offer.why}")):
            parse(manifest)
        assert re.search("use (Gateway|Server)Success, or (Gateway|Server)Latency", offer.why)
    else:
        assert parse(manifest).spec.reward.prometheus.preset == preset


@pytest.mark.parametrize("name", SOFTWARE)
def test_the_description_names_all_software_with_its_remark(name: str) -> None:
    assert name in description()
    assert SOFTWARE[name].remark in description()


def test_the_description_says_which_gateway_is_the_default() -> None:
    assert f"{DEFAULT_GATEWAY.name} (the default" in description()
