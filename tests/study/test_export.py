"""A stream can be handed to the simulation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bandit_operator.cli.supposing import read_world
from bandit_study.data.table import Table
from bandit_study.engine.answers import make_stream as stream_of
from bandit_study.engine.settings import Settings
from bandit_study.export import write_world


def test_the_world_has_the_rates_of_the_stream_and_arms_that_join(
    make_table: Callable[..., Table], settings: Settings, tmp_path: Path
) -> None:
    table = make_table()
    path = write_world(table, settings, tmp_path / "worlds", cache=tmp_path)
    world = read_world(path)
    stream, _ = stream_of(table, settings, lambda _: None, cache=tmp_path)
    assert world.names == stream.names
    assert world.serves_from == tuple(stream.joins.tolist())
    assert world.requests.tolist() == stream.sizes.tolist()
    known = ~np.isnan(stream.means)
    assert world.rates[known] == pytest.approx(stream.means[known], abs=1e-6)
