from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandit_operator.cli.supposing import read_world
from bandit_operator.core.strategies import STRATEGIES
from bandit_operator.simulation.play import play

WORLDS = sorted((Path(__file__).parents[2] / "docs" / "worlds").glob("*.yaml"))


@pytest.mark.parametrize("path", WORLDS, ids=lambda path: path.stem)
def test_every_world_of_the_documentation_can_be_played(path: Any) -> None:
    world = read_world(path)
    short = replace(world, rates=world.rates[:30], requests=world.requests[:30])
    played = play(short, STRATEGIES["ContrastThompson"](), 2, np.random.default_rng(0))
    assert played.regret.shape == (2, 30)
    assert np.allclose(played.weights.sum(-1), 1.0)
