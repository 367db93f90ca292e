"""Objects as the API server sends them, and the kinds of patches that it takes.

Apart from the clients, whose imports take longer than what the Tab key gives may be waited for.
"""

from __future__ import annotations

from typing import Any, Final

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"

Object = dict[str, Any]
