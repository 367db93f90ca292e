from __future__ import annotations

from typing import Any

import pytest

from tests.support.manifests import good


@pytest.fixture
def manifest() -> dict[str, Any]:
    """A fresh manifest with every kind of field."""
    loaded = good()
    loaded["metadata"] |= {"namespace": "models"}
    return loaded
