"""``python -m monitoring``: write the alert rules and the dashboards into the chart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from monitoring.alerts import groups
from monitoring.dashboards import DASHBOARDS, as_json

FILES = Path(__file__).parents[1] / "charts" / "bandit-operator" / "files"


def made() -> Iterator[tuple[Path, str]]:
    """Each file, and what is in it."""
    yield FILES / "alerts.yaml", yaml.safe_dump(groups(), sort_keys=False, width=110, allow_unicode=True)
    for name, page in DASHBOARDS.items():
        yield FILES / "dashboards" / f"{name}.json", as_json(page())


def main() -> None:
    """Write all of them."""
    for path, text in made():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(FILES.parents[2]))


if __name__ == "__main__":
    main()
