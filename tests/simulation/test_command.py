from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bandit_operator.cli import main
from bandit_operator.core.strategies.thompson import Thompson
from bandit_operator.simulation.many import CHUNK, chunks
from bandit_operator.simulation.summary import joined
from bandit_operator.simulation.world import read_world

WORLD = """
ticks: 80
requests: 200
baseline: old
arms:
- {name: old, rate: 0.30}
- {name: new, rate: {steps: [{at: 0, value: 0.30}, {at: 20, value: 0.05}]}}
"""


@pytest.fixture
def world(tmp_path: Path) -> Path:
    path = tmp_path / "breaks.yaml"
    path.write_text(WORLD, encoding="utf-8")
    return path


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(main, ["simulate", *map(str, arguments)], env={"COLUMNS": "200"})


def test_simulate_prints_a_table_and_writes_json_picture_and_page(world: Path, tmp_path: Path) -> None:
    outputs = {kind: tmp_path / "out" / f"o.{kind}" for kind in ("json", "png", "html")}
    options = [text for kind, path in outputs.items() for text in (f"--{kind}", path)]
    found = run("--world", world, "--strategy", "ABTest", "--seeds", 20, "--jobs", 1, *options)
    assert found.exit_code == 0, found.output
    assert "breaks: 80 ticks of 30 s, 20 seeds" in found.output
    (summary,) = json.loads(outputs["json"].read_text())
    old, new = summary["arms"]
    assert (old["rolled_back"], new["rolled_back"], new["falsely_rolled_back"]) == (0.0, 1.0, 0.0)
    assert 20 < new["rollback_ticks"][1] < 40
    assert summary["regret_ci"][0] < summary["regret"] < summary["regret_ci"][1]
    assert outputs["png"].read_bytes().startswith(b"\x89PNG")
    assert "Simulation of breaks" in outputs["html"].read_text()


def test_a_bad_world_ends_the_command_with_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(WORLD.replace("ticks: 80", "ticks: none"), encoding="utf-8")
    found = run("--world", path)
    assert found.exit_code == 1
    assert "ticks is 'none'; write a whole number" in found.output


@pytest.mark.parametrize(
    ("setting", "said"),
    [("colour=1", "write NAME=VALUE with one of"), ("half_life=soon", "write half_life=0.5")],
)
def test_a_bad_setting_is_told_with_the_fix(world: Path, setting: str, said: str) -> None:
    found = run("--world", world, "--setting", setting)
    assert found.exit_code == 2
    assert said in " ".join(found.output.replace("│", " ").split())


def test_the_number_of_processes_does_not_change_the_result(world: Path) -> None:
    here, strategy = read_world(world), Thompson()
    one, two = (joined(list(chunks(here, strategy, CHUNK + 5, jobs))) for jobs in (1, 2))
    assert np.array_equal(one.regret, two.regret)
    assert one.regret.shape == (CHUNK + 5, 80)
