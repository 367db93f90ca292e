"""A resource and what is committed of it."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.api.v1alpha1 import parse, to_experiment
from bandit_operator.core.experiment import Experiment
from tests.support.manifests import good


@pytest.fixture
def body() -> dict[str, Any]:
    """A resource as the API server holds it, without a status."""
    loaded = good()
    loaded["metadata"] |= {"namespace": "models", "uid": "2c1b", "generation": 3, "resourceVersion": "7"}
    return loaded


@pytest.fixture
def experiment(body: dict[str, Any]) -> Experiment:
    """Its settings."""
    return to_experiment(parse(body))
