"""Points that fill a cube more evenly than random ones do: a scrambled Sobol sequence.

``scipy.stats.qmc`` has the same points, for half a second of every start and 45 MiB of every process, since
all of ``scipy.stats`` comes with it. A test holds them equal.
"""

from __future__ import annotations

import numpy as np

from bandit_operator.core.inference.named_arrays import Floats

_BITS = 30
_DIRECTIONS: tuple[tuple[int, tuple[int, ...]], ...] = (
    (0b11, (1,)),
    (0b111, (1, 3)),
    (0b1011, (1, 3, 1)),
    (0b1101, (1, 1, 1)),
    (0b10011, (1, 1, 3, 3)),
    (0b11001, (1, 3, 5, 13)),
    (0b100101, (1, 1, 5, 5, 17)),
    (0b101001, (1, 1, 5, 5, 5)),
    (0b101111, (1, 1, 7, 11, 19)),
    (0b110111, (1, 1, 5, 1, 1)),
    (0b111011, (1, 1, 1, 3, 11)),
    (0b111101, (1, 3, 5, 5, 31)),
    (0b1000011, (1, 3, 3, 9, 7, 49)),
    (0b1011011, (1, 1, 1, 15, 21, 21)),
    (0b1100001, (1, 3, 1, 13, 27, 49)),
    (0b1100111, (1, 1, 1, 15, 7, 5)),
    (0b1101101, (1, 3, 1, 15, 13, 25)),
    (0b1110011, (1, 1, 5, 5, 19, 61)),
    (0b10000011, (1, 3, 7, 11, 23, 15, 103)),
)
"""For each dimension after the first its primitive polynomial over GF(2) and first direction numbers.

Joe and Kuo, "Constructing Sobol sequences with better two-dimensional projections", SIAM Journal on
Scientific Computing 30(5), 2008: the first lines of their table new-joe-kuo-6.
"""
MOST_DIMENSIONS = 1 + len(_DIRECTIONS)


def sobol(log_points: int, dimensions: int, seed: int) -> Floats:
    """Points ``[2**log_points, dimensions]`` in [0, 1), scrambled by a random matrix and shift.

    (Matoušek, "On the L2-discrepancy for anchored boxes", Journal of Complexity 14(4), 1998.)

    Args:
        log_points: binary logarithm of how many, 0 to 30.
        dimensions: 1 to ``MOST_DIMENSIONS``.
        seed: of what they are scrambled by; the points of fewer dimensions are other points.
    """
    rng = np.random.default_rng(seed)
    powers = 2 ** np.arange(_BITS, dtype=np.uint32)
    points = np.tile(rng.integers(2, size=(dimensions, _BITS), dtype=np.uint32) @ powers, (2**log_points, 1))
    matrices = np.tril(rng.integers(2, size=(dimensions, _BITS, _BITS), dtype=np.uint32), -1)
    matrices += np.eye(_BITS, dtype=np.uint32)
    directions = np.array([_directions(dimension, log_points) for dimension in range(dimensions)], np.uint32)
    bits = (directions[:, None, :] & powers[::-1, None]) != 0  # from the highest on
    scrambled = np.tensordot(powers[::-1], (matrices @ bits) % 2, axes=(0, 1)).astype(np.uint32)
    index = np.arange(2**log_points)
    gray = index ^ (index >> 1)
    for bit in range(log_points):
        points[gray >> bit & 1 == 1] ^= scrambled[:, bit]
    return points / 2.0**_BITS


def _directions(dimension: int, number: int) -> list[int]:
    """The first direction numbers of a dimension, shifted to the highest bit."""
    if dimension == 0:
        return [1 << (_BITS - 1 - bit) for bit in range(number)]
    polynomial, first = _DIRECTIONS[dimension - 1]
    found, degree = list(first), len(first)
    for bit in range(degree, number):
        following = found[bit - degree]
        for back in range(1, degree + 1):
            if polynomial >> (degree - back) & 1:
                following ^= found[bit - back] << back
        found.append(following)
    return [value << (_BITS - 1 - bit) for bit, value in enumerate(found[:number])]
