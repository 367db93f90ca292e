from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

GOOD = Path(__file__).parents[1] / "crds" / "good.yaml"


@pytest.fixture
def manifest() -> dict[str, Any]:
    """A fresh manifest with every kind of field."""
    loaded: dict[str, Any] = yaml.safe_load(GOOD.read_text())
    loaded["metadata"] |= {"namespace": "models"}
    return loaded
