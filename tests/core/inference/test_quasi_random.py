"""Points of the Sobol sequence are those of the library that is too heavy for every process."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import qmc

from bandit_operator.core.inference.quasi_random import MOST_DIMENSIONS, sobol


@pytest.mark.parametrize("dimensions", [1, 2, 7, MOST_DIMENSIONS])
@pytest.mark.parametrize("log_points", [0, 1, 5, 9, 12])
@pytest.mark.parametrize("seed", [1, 20])
def test_points_are_those_of_scipy(dimensions: int, log_points: int, seed: int) -> None:
    points = sobol(log_points, dimensions, seed)
    assert np.array_equal(points, qmc.Sobol(dimensions, seed=seed).random(2**log_points))


def test_each_coordinate_has_one_point_in_each_part_of_its_range() -> None:
    parts = np.sort(np.floor(sobol(9, MOST_DIMENSIONS, 1) * 512), axis=0)
    assert np.array_equal(parts, np.tile(np.arange(512.0)[:, None], MOST_DIMENSIONS))


def test_the_operator_does_without_scipy() -> None:
    program = (
        "import sys; import bandit_operator.app; "
        "from bandit_operator.core.strategies.contrast_thompson import normal_draws; normal_draws(4); "
        "print('scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
