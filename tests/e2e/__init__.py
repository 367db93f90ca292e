"""The operator on a real control plane, installed from its chart."""

from __future__ import annotations

NAMESPACE = "e2e"
"""Of all that these tests roll out."""
