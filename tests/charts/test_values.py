"""Values, their schema and the table in the README say the same."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from bandit_serving.rewards import REWARDS

CHART = Path(__file__).parents[2] / "charts" / "bandit-operator"
README = CHART / "README.md"
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())


def leaves(schema: dict[str, Any], values: Any, path: str = "") -> Iterator[tuple[str, Any, str]]:
    """Yield name, default and meaning of every value that a user may set."""
    for name, field in schema["properties"].items():
        if name not in values:
            continue
        full = f"{path}{name}"
        if field.get("type") == "object" and "properties" in field and name != "resources":
            yield from leaves(field, values[name], f"{full}.")
        else:
            yield full, values[name], field["description"]


def table() -> str:
    """Return the table of values."""
    rows = ["| value | default | meaning |", "|---|---|---|"]
    for name, default, meaning in leaves(SCHEMA, VALUES):
        shown = json.dumps(default).replace("|", "\\|")
        rows.append(f"| `{name}` | `{shown}` | {meaning} |")
    return "\n".join(rows)


def test_the_readme_lists_every_value_with_its_default_and_meaning() -> None:
    text = README.read_text()
    begin, end = re.search("<!-- values: .*-->\n", text), text.index("<!-- end of values -->")
    assert begin is not None
    if os.environ.get("UPDATE_GOLDEN"):
        README.write_text(f"{text[: begin.end()]}\n{table()}\n\n{text[end:]}")
        text = README.read_text()
    assert f"\n{table()}\n" in text, "run with UPDATE_GOLDEN=1"


def test_every_value_is_in_the_schema_and_every_field_of_the_schema_has_a_default() -> None:
    def compare(schema: dict[str, Any], values: dict[str, Any], path: str) -> None:
        known = set(schema["properties"]) - {"global", "claims"}
        assert set(values) == known, path
        for name, value in values.items():
            if isinstance(value, dict) and "properties" in schema["properties"][name]:
                compare(schema["properties"][name], value, f"{path}.{name}")

    compare(SCHEMA, VALUES, "values")


def test_a_reward_function_that_the_collector_does_not_have_is_refused() -> None:
    assert SCHEMA["properties"]["collector"]["properties"]["reward"]["enum"] == sorted(REWARDS)


def test_the_schema_knows_and_describes_all_it_admits() -> None:
    def check(schema: dict[str, Any], path: str) -> None:
        if "properties" in schema and path != ".extraEnv[]":
            assert schema.get("additionalProperties") is False, path
        for name, field in schema.get("properties", {}).items():
            if not path.endswith("[]"):
                assert field["description"].endswith("."), f"{path}.{name}"
            check(field, f"{path}.{name}")
        if "items" in schema:
            check(schema["items"], f"{path}[]")

    check(SCHEMA, "")


def test_what_resources_the_operator_takes_is_what_was_measured() -> None:
    page = (CHART.parents[1] / "docs" / "bench" / "fleet.md").read_text()
    rows = re.findall(
        r"^\| ([\d,]+) \| (\d+ s) \| (\w+) \| ([\d.]+) \| [\d.]+ \| (\d+) \|", page, re.MULTILINE
    )
    cores, mebibytes = ({row[:3]: row[at] for row in rows} for at in (3, 4))
    many, few, moving = ("1,000", "60 s", "rest"), ("200", "10 s", "rest"), ("200", "10 s", "move")
    said = SCHEMA["properties"]["resources"]["description"]
    assert said.endswith(
        f" 1,000 BanditDeployments at 60 s take {cores[many]} of a core and {mebibytes[many]} MiB;"
        f" 200 at 10 s take {cores[few]} of a core and {mebibytes[few]} MiB at rest,"
        f" {cores[moving]} and {mebibytes[moving]} MiB where all their weights move (docs/bench/fleet.md)."
    )


def test_no_page_keeps_values_in_a_way_that_drops_the_new_ones_of_a_newer_chart() -> None:
    root = CHART.parents[1]
    pages = [root / "README.md", *root.glob("docs/**/*.md"), *CHART.rglob("*.md"), *CHART.rglob("*.txt")]
    assert [page for page in pages if "--reuse-values" in page.read_text()] == []
    assert "--reset-then-reuse-values" in (CHART / "templates" / "NOTES.txt").read_text()
    assert "Helm 3.14 or newer" in README.read_text()


def test_the_chart_is_of_the_version_of_the_program() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    pyproject = (CHART.parents[1] / "pyproject.toml").read_text()
    assert f'version = "{chart["appVersion"]}"' in pyproject
