from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result

from bandit_operator.cli import main, progress
from bandit_operator.cli import simulate as simulating
from bandit_operator.cli.settings import strategies_of
from bandit_operator.cli.supposing import read_world
from bandit_operator.core.strategies import Strategy
from bandit_operator.core.strategies.ab_test import ABTest
from bandit_operator.core.strategies.thompson import Thompson
from bandit_operator.simulation.many import CHUNK, chunks, glance_ticks
from bandit_operator.simulation.play import Played
from bandit_operator.simulation.summary import joined

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
    outputs = {kind: tmp_path / f"o.{kind}" for kind in ("json", "png", "html")}
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


def test_rates_and_traffic_on_the_command_line_are_a_world() -> None:
    found = run("--rate", ".2", "new=90%", "--rps", 10, "--days", 0.05, "--seeds", 5, "--jobs", 1)
    assert found.exit_code == 0, found.output
    assert found.stdout.startswith("ContrastThompson: a verdict came in 100% within the 72 min")
    assert "more than staying with arm-1" in found.output
    assert "traffic: 144 ticks of 30 s, 5 seeds" in found.output


def test_a_manifest_says_arms_strategy_and_interval(tmp_path: Path) -> None:
    path = tmp_path / "income.yaml"
    path.write_text(Path("crds/examples/thompson.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    rates = ("--rate", ".5", ".2", ".5", "--rps", 10, "--days", 0.02, "--seeds", 5, "--jobs", 1)
    found = run("-f", path, *rates)
    assert found.exit_code == 0, found.output
    (body,) = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    assert found.stdout.startswith(f"{body['spec']['strategy']['type']}: ")
    for arm in body["spec"]["arms"]:
        assert f"\n{arm['name']} " in found.output


@pytest.mark.parametrize("options", [(), ("--denominator", 3), ("--shadow", "10%")], ids=str)
def test_rewards_without_bounds_are_played_with_how_much_they_vary(options: tuple[Any, ...]) -> None:
    world = ("--rate", "31", "44", "--deviation", 40, "--rps", 20, "--days", 0.05, "--seeds", 5, "--jobs", 1)
    found = run(*world, *options)
    assert found.exit_code == 0, found.output
    assert found.stdout.startswith("ContrastThompson: a verdict came in 100% within the 72 min")
    assert "more than staying with arm-1" in found.output


def test_arms_may_begin_in_the_shadow_where_no_user_meets_them() -> None:
    world = ("--rate", ".8", ".6", "--rps", 20, "--days", 0.05, "--seeds", 5, "--jobs", 1)
    found = run(*world, "--shadow", "10%", "--onboarding", "Shadow")
    assert found.exit_code == 0, found.output
    assert "Arms that are worse than arm-1 answer 0 requests a day" in " ".join(found.output.split())


def test_a_manifest_of_gaussian_rewards_is_played() -> None:
    rates = ("--rate", "31", "33", "--deviation", 40, "--rps", 20, "--days", 0.02, "--seeds", 5, "--jobs", 1)
    found = run("-f", "crds/examples/gaussian.yaml", *rates)
    assert found.exit_code == 0, found.output
    assert "rewards a day" in found.output


def test_the_answer_fits_eighty_columns(world: Path) -> None:
    command = ["simulate", "--world", str(world), "--seeds", "5", "--jobs", "1"]
    found = CliRunner().invoke(main, command, env={"COLUMNS": "80"})
    assert max(map(len, found.output.splitlines())) <= 80


def test_a_world_without_a_verdict_says_in_how_many_runs_there_was_none() -> None:
    found = run("--rate", ".5", ".5", "--rps", 0.1, "--days", 0.02, "--seeds", 5, "--jobs", 1)
    assert "none within 29 min in 100% of the runs" in " ".join(found.output.split())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "--world FILE, or --rate .82 .84 --rps 20"),
        (("--rate", ".82", ".84"), "such as --rps 20"),
        (("--rate", ".82", "--rps", 20), "write one for each of 2 to 20 arms"),
        (("--rate", ".82", "x=184%", "--rps", 20), "write .82 or 82%"),
        (("--rate", ".82", "nan", "--rps", 20), "write .82 or 82%"),
        (("--rate", "a=.82", "a=.84", "--rps", 20), "a has two"),
        (("--rate", ".82", ".84", "--rps", 0), "0.0 is not in the range"),
        (("--world", "w.yaml", "--rps", 20), "leave out --rate, --rps, --deviation, --denominator and --man"),
        (("-f", "none.yaml", "--rate", ".82", ".84", "--rps", 20), "none.yaml: it cannot be read"),
        (("-f", "Makefile", "--rate", ".82", ".84", "--rps", 20), "it is neither YAML nor JSON"),
        (
            ("-f", "crds/examples/gaussian.yaml", "--rate", "31", "33", "--rps", 2),
            "rewards are Gaussian: say how much a single reward varies",
        ),
        (
            ("-f", "crds/examples/thompson.yaml", "--rate", ".1", ".2", ".3", "--rps", 2, "--deviation", 3),
            "leave out --deviation: rewards are Bernoulli",
        ),
        (("--rate", "31", "33", "--rps", 2), "write .82 or 82% (any number with --deviation)"),
        (
            ("--rate", "3", "x=-4", "--rps", 2, "--deviation", 1, "--denominator", 2),
            "no mean reward of at least",
        ),
        (("--rate", "3", "4", "--rps", 2, "--denominator", 2), "rewards are Ratio: say how much"),
        (
            ("--rate", "3", "4", "--rps", 2, "--deviation", 1, "--denominator", 2, "--shadow", "10%"),
            "no difference of ratios",
        ),
        (("--rate", ".82", ".84", "--rps", 20, "--onboarding", "Shadow"), "add --shadow 10%"),
        (("-f", "crds/examples/thompson.yaml", "--rate", "x=1", "y=1", "--rps", 2), "names no arm"),
    ],
)
def test_options_that_make_no_world_are_told_with_the_fix(options: tuple[Any, ...], said: str) -> None:
    found = run(*options)
    assert found.exit_code in (1, 2)
    assert said in " ".join(found.output.replace("│", " ").split())


def test_a_bad_world_ends_the_command_with_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(WORLD.replace("ticks: 80", "ticks: none"), encoding="utf-8")
    found = run("--world", path)
    assert found.exit_code == 1
    assert "ticks is 'none'; write a whole number" in found.output


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("Thompson colour=1", "write NAME=VALUE with one of half_life"),
        ("Thompson half_life", "'half_life' sets nothing of Thompson; write NAME=VALUE"),
        ("Thompson half_life=soon", 'halfLife: "soon": must be a duration'),
        ("Thompson half_life=0", 'halfLife: "0s": must be a duration'),
        ("Thompson half_life=-1", 'halfLife: "-1": must be a duration'),
        ("Thompson half_life=nan", 'halfLife: "nan": must be a duration'),
        ("Thompson half_life=inf", 'halfLife: "inf": must be a duration'),
        ("UCB1 confidence=nan", 'confidence: "nan": must be a decimal'),
        ("UCB1 confidence=-1", 'confidence: "-1": must be'),
        ("TopTwo beta=7", 'beta: "7": must be'),
        ("EpsilonGreedy exploration=-3", 'exploration: "-3": must be'),
        ("ABTest split=0.5", "write NAME=VALUE with one of split.ARM"),
        ("ABTest split.newer=0.5", "'newer' is no arm; name one of old, new"),
        ("ABTest split.new=1.5", 'split.new: "1.5": must be'),
        ("ABTest half_life=1h", "'half_life=1h' sets nothing of ABTest"),
    ],
)
def test_a_bad_setting_is_told_with_the_fix(world: Path, setting: str, said: str) -> None:
    strategy, _, text = setting.partition(" ")
    found = run("--world", world, "--strategy", strategy, "--setting", text)
    assert found.exit_code == 2
    assert said in " ".join(found.output.replace("│", " ").split())


def test_the_number_of_processes_does_not_change_the_result(world: Path) -> None:
    here, strategy = read_world(world), Thompson()
    one, two = (joined(list(chunks(here, strategy, CHUNK + 5, jobs))) for jobs in (1, 2))
    assert np.array_equal(one.regret, two.regret)
    assert one.regret.shape == (CHUNK + 5, 80)


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_told_of_the_progress_comes_to_the_whole(world: Path, jobs: int) -> None:
    told: list[int] = []
    list(chunks(read_world(world), Thompson(), CHUNK + 5, jobs, progress=told.append))
    assert sum(told) == (CHUNK + 5) * 80
    assert len([count for count in told if count]) > 1


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_first_look_is_the_beginning_of_the_first_runs_and_changes_nothing(
    world: Path, jobs: int
) -> None:
    here, strategy = read_world(world), Thompson()
    looks: list[Played] = []
    parts = list(chunks(here, strategy, CHUNK + 5, jobs, glance=looks.append))
    (look,), ticks = looks, glance_ticks(here)
    assert look.regret.shape == (CHUNK, ticks)
    assert np.array_equal(look.regret, parts[0].regret[:, :ticks])
    assert look.rolled_back_at.max() < ticks
    untold = list(chunks(here, strategy, CHUNK + 5, jobs))
    assert all(np.array_equal(a.regret, b.regret) for a, b in zip(parts, untold, strict=True))


def test_a_simulation_that_takes_long_gives_a_first_answer_beside_its_output(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulating, "GLANCE_SECONDS", 0.0)
    found = run("--world", world, "--seeds", 4, "--jobs", 1)
    assert found.stderr.startswith("A first look, at 2.5 min of 4 runs, which puts shares within 49 points:")
    assert "that were played" in found.stderr
    assert "play longer" not in found.stderr, "it is played for longer already"
    assert "A first look" not in found.stdout


def test_more_seeds_than_the_memory_has_room_for_are_refused_before_the_first_is_played(world: Path) -> None:
    found = run("--world", world, "--seeds", 10**13)
    assert found.exit_code == 1
    assert f"seeds is {10**13}; write at most 3,125,000 for 80 ticks" in found.output


@pytest.mark.parametrize("option", ["--json", "--png", "--html"])
def test_a_file_that_cannot_be_written_is_named_after_the_answer(world: Path, option: str) -> None:
    found = run("--world", world, "--seeds", 1, "--jobs", 1, option, "/dev/full")
    assert found.exit_code == 1
    assert "that were played" in found.stdout
    assert "Error: /dev/full: it cannot be written: No space left on device; name another" in found.stderr


def test_whoever_gives_up_a_simulation_does_not_wait_for_what_other_processes_play(tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text(WORLD.replace("ticks: 80", "ticks: 200000"), encoding="utf-8")

    def give_up(_: int) -> None:
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(chunks(read_world(path), Thompson(), 4 * CHUNK, 2, progress=give_up, glance=lambda _: None))
    assert time.monotonic() - began < 60  # to the end it would take many minutes


def test_what_takes_long_says_how_far_it_is_where_no_bar_can_be_drawn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = iter([100.0, 105.0, 112.0, 125.0, 150.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    with progress.shown("playing", 100) as advance:
        for done in (5, 5, 40, 50):
            advance(done)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["playing: 10%, about 108 s to go", "playing: 50%, about 25 s to go"]


def test_little_traffic_is_played_as_little_and_earns_no_more_than_its_requests_can(tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    traffic = ("--rps", 0.01, "--days", 1, "--seeds", 5, "--jobs", 1)
    found = run("--rate", "0", "1", *traffic, "--json", path)
    assert found.exit_code == 0, found.output
    (summary,) = json.loads(path.read_text())
    assert summary["requests"] == 864
    earned = re.search(r"and earned ([\d.,]+) rewards a day more", " ".join(found.output.split()))
    assert earned is not None
    assert 0 < float(earned[1].replace(",", "")) <= 864


@pytest.mark.parametrize(
    ("names", "given", "strategies"),
    [
        (["Thompson"], ["half_life=3600"], [Thompson(3600.0)]),
        (["Thompson"], ["half_life=1h30m"], [Thompson(5400.0)]),
        (["Thompson", "ABTest"], ["half_life=0.5"], [Thompson(0.5), ABTest()]),
        (["ABTest"], ["split.new=10%", "split.old=.9"], [ABTest({"new": 0.1, "old": 0.9})]),
    ],
    ids=str,
)
def test_settings_go_to_the_strategies_that_have_them(
    names: list[str], given: list[str], strategies: list[Strategy]
) -> None:
    assert strategies_of(names, given, ["old", "new"]) == strategies


def test_a_setting_beside_a_manifest_is_not_left_out_in_silence() -> None:
    rates = ("--rate", ".5", ".2", ".5", "--rps", 10, "--days", 0.02, "--seeds", 5, "--jobs", 1)
    found = run("-f", "crds/examples/thompson.yaml", *rates, "--setting", "half_life=1h")
    assert found.exit_code == 2
    assert "goes with --strategy; write it into the manifest" in " ".join(found.output.split())


@pytest.mark.parametrize(
    "options",
    [
        ("--rps", "nan"),
        ("--rps", "1", "--days", "nan"),
        ("--rps", "1", "--deviation", "nan"),
        ("--rps", "1", "--seed", "-1"),
    ],
    ids=" ".join,
)
def test_what_is_no_number_within_bounds_is_refused_by_its_option(options: tuple[str, ...]) -> None:
    found = run("--rate", ".1", ".2", *options)
    assert found.exit_code == 2
    assert f"Invalid value for '{options[-2]}': {options[-1]} is n" in found.output


@pytest.mark.parametrize("option", ["--json", "--png", "--html"])
def test_a_file_in_a_folder_that_is_not_there_is_refused_and_no_folder_made(
    tmp_path: Path, option: str
) -> None:
    path = tmp_path / "nope" / "found"
    found = run("--rate", ".1", ".2", "--rps", 1, "--days", 0.01, "--seeds", 2, option, path)
    assert found.exit_code == 2
    assert f"there is no folder {path.parent}; make it, or name another" in found.output
    assert not path.parent.exists()
