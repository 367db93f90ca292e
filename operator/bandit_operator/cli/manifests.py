"""What a file of manifests has, as ``kubectl`` takes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bandit_operator.adapters.documents import documents_in


def objects_in(source: str | Path) -> list[Any]:
    """The objects of a file, of which lists are taken apart, as ``kubectl get bd -o yaml`` writes them.

    Args:
        source: the file; ``-`` is standard input.

    Raises:
        Unreadable: It cannot be read.
    """
    return [inner for document in documents_in(source) for inner in _of(document)]


def _of(document: Any) -> list[Any]:
    is_list = isinstance(document, dict) and str(document.get("kind")).endswith("List")
    items = document.get("items") if is_list else None
    return items if isinstance(items, list) else [document]
