"""A file that no API server has seen is checked for what it says of presets."""

from __future__ import annotations

import pytest

from bandit_operator.api.presets import NOT_OFFERED, OFFERED, Implementation, Preset
from bandit_operator.api.v1alpha1 import InvalidResource, parse


@pytest.fixture
def with_reward(smallest):
    """The smallest manifest with other rewards."""

    def make(**prometheus: str):
        smallest["spec"]["reward"] = {"prometheus": prometheus}
        return smallest

    return make


def combination(preset: Preset, implementation: Implementation) -> dict[str, str]:
    target = {"latencyTarget": "250ms"} if preset.endswith("Latency") else {}
    return {"preset": preset, "implementation": implementation, **target}


@pytest.mark.parametrize("key", OFFERED, ids="-".join)
def test_what_is_offered_is_accepted(with_reward, key):
    parse(with_reward(**combination(*key)))


@pytest.mark.parametrize("key", NOT_OFFERED, ids="-".join)
def test_what_would_mislead_is_refused_with_the_reason(with_reward, key):
    with pytest.raises(InvalidResource, match=r"use (Gateway|Server)Success, or (Gateway|Server)Latency"):
        parse(with_reward(**combination(*key)))
