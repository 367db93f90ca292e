"""What docs/strategies.md says of the strategies is what they are."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from bandit_operator.core.strategies import DEFAULT_STRATEGY, STRATEGIES

PAGE = Path("docs/strategies.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| \[`(\w+)`\]\(\.\./(\S+)\) .* (yes|no) \|$", PAGE, flags=re.MULTILINE)


def test_the_table_has_each_strategy_once_with_an_example_of_it_and_whether_it_learns() -> None:
    assert sorted(name for name, _, _ in ROWS) == sorted(STRATEGIES)
    for name, example, learns in ROWS:
        spec = yaml.safe_load(Path(example).read_text(encoding="utf-8"))["spec"]
        assert spec.get("strategy", {}).get("type", DEFAULT_STRATEGY) == name
        assert (learns == "yes") == STRATEGIES[name].learns


def test_the_list_of_questions_leads_to_strategies_that_there_are() -> None:
    steps = re.findall(r"^\d\. \*\*.*\*\* `(\w+)`", PAGE, flags=re.MULTILINE)
    assert steps[0] == DEFAULT_STRATEGY
    assert set(steps) <= set(STRATEGIES)


def test_its_figures_are_those_of_the_decisions() -> None:
    measured = Path("docs/bench/decisions.md").read_text(encoding="utf-8")
    figures = re.findall(r"^\| (\w+) \| ([\d.]+) \| ([\d.]+) \|$", PAGE, flags=re.MULTILINE)
    assert len(figures) == 6
    for name, two, ten in figures:
        for world, figure in (("A2", two), ("B10", ten)):
            row = rf"^\| {name} regret on {world}, × Lai–Robbins \|[^|]*\| {figure} \| "
            assert re.search(row, measured, re.MULTILINE), (
                "take the figures over from docs/bench/decisions.md"
            )
