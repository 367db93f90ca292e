"""What the resource is called in the API; apart from its definition, which takes long to import."""

from __future__ import annotations

GROUP = "bandit-operator.dev"
VERSION = "v1alpha1"
KIND = "BanditDeployment"
PLURAL = "banditdeployments"
SHORT_NAME = "bd"
"""What kubectl takes for the kind besides its name."""
