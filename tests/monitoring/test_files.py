"""What the chart ships is what the code makes, and names only what is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import promql_parser
import pytest
import yaml

from bandit_operator.runtime.telemetry import Metrics
from bandit_operator.watch.cache import Cache
from bandit_operator.watch.exposed import Exposed
from monitoring.__main__ import made
from monitoring.alerts import ALERTS, RUNBOOKS
from monitoring.dashboards import DASHBOARDS, as_json, filled, queries

FILES = dict(made())
VARIABLES = {"namespace": "models", "resource": "income"}
PAGES = {name: as_json(page()) for name, page in DASHBOARDS.items()}


def declared() -> set[str]:
    """Names of all series that the operator exposes."""
    registry = Metrics().registry
    registry.register(Exposed(Cache(), lambda _: True))
    names = set()
    for family in registry.collect():
        kinds = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
        names |= {f"{family.name}{suffix}" for suffix in kinds.get(family.type, ("",))}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_of_the_chart_is_what_the_code_makes(path: Path) -> None:
    assert path.read_text() == FILES[path], "run make monitoring"


@pytest.mark.parametrize(
    "promql",
    [*(alert.promql for alert in ALERTS), *(one for page in PAGES.values() for one in queries(page))],
)
def test_a_query_asks_for_series_that_the_operator_exposes(promql: str) -> None:
    text = filled(promql, VARIABLES)
    promql_parser.parse(text)
    assert "$" not in text
    named = set(re.findall(r"\b(?:bandit_operator|process)_[a-z_]+", text))
    assert named
    assert named <= declared()


def test_alerts_are_sorted_and_each_says_what_is_wrong_and_where_to_read_on() -> None:
    names = [alert.name for alert in ALERTS]
    assert names == sorted(set(names))
    for alert in ALERTS:
        annotations = alert.rule()["annotations"]
        assert annotations["runbook_url"] == f"{RUNBOOKS}#{alert.name.lower()}"
        assert annotations["summary"].endswith(".")


@pytest.mark.parametrize("name", PAGES)
def test_every_panel_of_a_page_has_a_title_a_description_and_a_place_of_its_own(name: str) -> None:
    page = json.loads(PAGES[name])
    taken: set[tuple[int, int]] = set()
    for panel in page["panels"]:
        assert panel["title"]
        assert panel["description"].endswith(".")
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["title"] for panel in page["panels"]}) == len(page["panels"])


def test_alerts_are_a_file_that_prometheus_reads() -> None:
    (text,) = [text for path, text in FILES.items() if path.suffix == ".yaml"]
    (group,) = yaml.safe_load(text)["groups"]
    assert len(group["rules"]) == len(ALERTS)
