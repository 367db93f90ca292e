from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.api.v1alpha1 import parse, to_experiment
from bandit_operator.status.session import Session, load
from tests.support.manifests import good


@pytest.fixture
def body() -> dict[str, Any]:
    """A resource as the API server holds it, without a status."""
    loaded = good()
    loaded["metadata"] |= {"namespace": "models", "uid": "2c1b", "generation": 3, "resourceVersion": "7"}
    return loaded


@pytest.fixture
def session(body: dict[str, Any]) -> Session:
    """The session of a resource that is new."""
    resource = parse(body)
    return load(body, resource, to_experiment(resource))
