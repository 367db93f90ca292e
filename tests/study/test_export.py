"""A stream can be handed to the simulation, and to whoever chooses weights."""

from __future__ import annotations

import numpy as np
import pytest

from bandit_operator.simulation.world import read_world
from study.engine.answers import make_stream as stream_of
from study.engine.draws import draw
from study.engine.play import play
from study.export import Replay, write_world


def test_the_world_has_the_rates_of_the_stream_and_arms_that_join(make_table, settings, tmp_path) -> None:
    table = make_table()
    path = write_world(table, settings, tmp_path / "worlds", cache=tmp_path)
    world = read_world(path)
    stream, _ = stream_of(table, settings, lambda _: None, cache=tmp_path)
    assert world.names == stream.names
    assert world.serves_from == tuple(stream.joins.tolist())
    assert world.requests.tolist() == stream.sizes.tolist()
    known = ~np.isnan(stream.means)
    assert world.rates[known] == pytest.approx(stream.means[known], abs=1e-6)


def test_a_replay_gives_the_labels_that_the_study_gave_under_the_same_weights(make_stream) -> None:
    stream = make_stream(np.tile([0.4, 0.6], (20, 1)))
    seen = []
    play(stream, draw(stream, 3), "Thompson", lambda *chunk: seen.append(chunk))
    replay = Replay(stream, seed=2)
    for _, shares, trials, rewards in seen:
        weights = dict(zip(stream.names, (10_000 * shares[2]).tolist(), strict=True))
        found = replay.serve(weights)
        for arm, name in enumerate(stream.names):
            assert found[name] == (trials[2, arm], rewards[2, arm])
