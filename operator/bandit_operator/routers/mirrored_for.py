"""For whom the operator mirrors requests of a route: an annotation of the route, by BanditDeployment.

The status of a BanditDeployment remembers its filter, and goes with it. This is written in the patch that
puts the filter in or takes it out, so that a filter is still known to be the operator's work when the
BanditDeployment was deleted, or names another route, while no operator ran.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

MIRRORS: Final = "bandit-operator.dev/mirrors"
"""The annotation: JSON, by name of the BanditDeployment, which is in the route's namespace."""
MOST = 16
"""Most BanditDeployments that are read of one route: as many as a route has rules (Gateway API)."""
_NAME = re.compile(r"[a-z0-9.-]{1,253}")
_ANNOTATIONS = "/metadata/annotations"
_PATH = f"{_ANNOTATIONS}/{MIRRORS.replace('/', '~1')}"


@dataclass(frozen=True, slots=True)
class MirroredFor:
    """What the operator mirrors for one BanditDeployment."""

    target: str
    """Where requests are mirrored to, as ``str(MirrorTarget)``."""
    rule: str
    """Name of the rule that has the filter; empty where it has none."""
    uid: str
    """Of the BanditDeployment: which replica is to take the filter out once that is gone."""


def mirrored_for(route: Mapping[str, Any]) -> dict[str, MirroredFor]:
    """What is mirrored, by name of the BanditDeployment; empty where nothing is, or it cannot be read."""
    return _read(route) or {}


def patch(route: Mapping[str, Any], name: str, mirrored: MirroredFor | None) -> list[dict[str, Any]]:
    """JSON Patch that lets the route say what is mirrored for one BanditDeployment.

    Empty where it does, and where another writer has made what it says unreadable.

    Args:
        route: the route.
        name: of the BanditDeployment.
        mirrored: None for nothing.
    """
    known = _read(route)
    if known is None or known.get(name) == mirrored:
        return []
    left = {one: asdict(said) for one, said in known.items() if one != name}
    if mirrored is not None:
        left[name] = asdict(mirrored)
    text = json.dumps(left, sort_keys=True)
    annotations = route["metadata"].get("annotations")
    if annotations is None:
        # There may be annotations by now, and none of them may go.
        version = route["metadata"]["resourceVersion"]
        return [
            {"op": "test", "path": "/metadata/resourceVersion", "value": version},
            {"op": "add", "path": _ANNOTATIONS, "value": {MIRRORS: text}},
        ]
    if MIRRORS not in annotations:
        return [{"op": "add", "path": _PATH, "value": text}]
    change = {"op": "replace", "path": _PATH, "value": text} if left else {"op": "remove", "path": _PATH}
    return [{"op": "test", "path": _PATH, "value": annotations[MIRRORS]}, change]


def _read(route: Mapping[str, Any]) -> dict[str, MirroredFor] | None:
    """What the annotation says; None where it cannot be read."""
    text = (route["metadata"].get("annotations") or {}).get(MIRRORS)
    if text is None:
        return {}
    try:
        read = {name: MirroredFor(**said) for name, said in json.loads(text).items()}
    except (AttributeError, TypeError, ValueError, RecursionError):  # brackets within brackets
        return None
    texts = (text for one in read.values() for text in (one.target, one.rule, one.uid))
    bounded = len(read) <= MOST and all(_NAME.fullmatch(name) for name in read)
    return read if bounded and all(isinstance(text, str) for text in texts) else None
