"""Sets that are done are not run again while data, settings and code are unchanged."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bandit_operator.core.strategies import STRATEGIES
from bandit_study import runner
from bandit_study.data.folder import Entry, read_index
from bandit_study.engine.baselines import BASELINES
from bandit_study.engine.play import SHADOWS
from bandit_study.engine.settings import Settings
from bandit_study.errors import DataError, StudyError


@pytest.fixture
def todo(
    write_set: Callable[..., Path],
    rows_of: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> list[runner.Job]:
    monkeypatch.setenv("BANDIT_CACHE", str(tmp_path / "cache"))
    folder = write_set(sales="\n".join(rows_of()), visits="\n".join(rows_of(500)))
    return runner.jobs(read_index(folder).values(), None, [])


@pytest.fixture
def quick(settings: Settings) -> Settings:
    return dataclasses.replace(settings, seeds=2, chunks=10, retrainings=0)


def run(todo: list[runner.Job], quick: Settings, folder: Path) -> dict[str, str]:
    last: dict[str, str] = {}
    runner.run(todo, quick, folder, 1, lambda name, text: last.update({name: text}))
    return last


def test_a_run_that_was_stopped_goes_on_with_what_is_left(
    todo: list[runner.Job], quick: Settings, tmp_path: Path
) -> None:
    results = tmp_path / "parts"
    assert run(todo[:1], quick, results) == {"visits": runner.DONE}
    before = (results / "visits.json").read_bytes()
    assert run(todo, quick, results) == {"visits": runner.KEPT, "sales": runner.DONE}
    assert (results / "visits.json").read_bytes() == before
    assert [result["name"] for result in runner.read_results(results)] == ["sales", "visits"]


@pytest.mark.slow
def test_other_settings_other_data_or_half_a_file_are_run_again(
    todo: list[runner.Job], quick: Settings, tmp_path: Path
) -> None:
    results = tmp_path / "parts"
    run(todo, quick, results)
    assert set(run(todo, quick, results).values()) == {runner.KEPT}
    more = dataclasses.replace(quick, seeds=3)
    assert set(run(todo, more, results).values()) == {runner.DONE}
    (results / "sales.json").write_text('{"key": "')
    assert run(todo, more, results) == {"visits": runner.KEPT, "sales": runner.DONE}
    path = todo[0].path
    path.write_bytes(todo[1].path.read_bytes())
    assert run(todo, more, results) == {"visits": runner.DONE, "sales": runner.KEPT}


@pytest.mark.slow
def test_a_result_has_every_strategy_and_baseline_and_is_plain_json(
    todo: list[runner.Job], quick: Settings, tmp_path: Path
) -> None:
    run(todo, quick, tmp_path / "parts")
    result = json.loads((tmp_path / "parts" / "sales.json").read_text())
    assert set(result["measures"]) == {*BASELINES, *STRATEGIES, *SHADOWS}
    reference = result["measures"]["constant"]["mean_reward"]
    assert reference["vs constant"] == [0, 0, 0]
    shares = result["curves"]["shares"]["Thompson"]
    assert all(sum(row) == pytest.approx(1, abs=1e-3) for row in shares)


def test_a_known_long_stream_runs_a_second_time_with_the_break(
    write_set: Callable[..., Path], rows_of: Callable[..., list[str]]
) -> None:
    entries = read_index(write_set(elec2="\n".join(rows_of()))).values()
    assert sorted(job.name for job in runner.jobs(entries, None, [])) == ["elec2", "elec2+skew"]
    assert [job.skewed for job in runner.jobs(entries, None, ["elec2+skew"])] == [True]


def test_a_set_that_is_not_there_is_named_with_those_that_are(todo: list[runner.Job]) -> None:
    entries = [job.source for job in todo if isinstance(job.source, Entry)]
    with pytest.raises(StudyError, match="other: there is no such set; there are sales, visits"):
        runner.jobs(entries, None, ["other"])


def test_a_set_that_cannot_be_read_ends_the_run_with_its_place(
    write_set: Callable[..., Path], rows_of: Callable[..., list[str]], quick: Settings, tmp_path: Path
) -> None:
    lines = rows_of()
    lines[3] = "1,a,maybe"
    entries = read_index(write_set(sales="\n".join(lines))).values()
    with pytest.raises(DataError, match=r"sales\.csv\.gz, row 4, column 'target'"):
        run(runner.jobs(entries, None, []), quick, tmp_path / "parts")
