"""Linear algebra of a few arms, without a library's kernels.

A numerical library chooses its kernels by the processor it meets, and their last bits differ. What is
carried from tick to tick must not depend on the node that a replica runs on, so the systems of the
core, of at most twenty unknowns, are solved by sums and products alone, which IEEE 754 rounds alike
everywhere. Everything broadcasts over leading axes.
"""

from __future__ import annotations

import numpy as np

from bandit_operator.core.inference.named_arrays import Floats, identity

_EPSILON = np.finfo(np.float64).eps


def cholesky(matrix: Floats) -> Floats:
    """The lower factor L with L Lᵀ = matrix ``[..., K, K]``.

    A pivot that rounding has made 0 or less is taken as the smallest that can be told from 0 beside
    its diagonal element, so that a matrix that is all but singular has a factor too.
    """
    size = matrix.shape[-1]
    factor = np.zeros(matrix.shape)
    least = np.maximum(_EPSILON * np.abs(np.diagonal(matrix, axis1=-2, axis2=-1)), 1e-300)
    for j in range(size):
        rest = matrix[..., j:, j]
        if j > 0:
            rest = rest - (factor[..., j:, :j] * factor[..., j : j + 1, :j]).sum(-1)
        pivot = np.sqrt(np.maximum(rest[..., 0], least[..., j]))
        factor[..., j, j] = pivot
        if j + 1 < size:
            factor[..., j + 1 :, j] = rest[..., 1:] / pivot[..., None]
    return factor


def solve(factor: Floats, right: Floats) -> Floats:
    """X with L Lᵀ x = right ``[..., K, N]``, given the lower factor L ``[..., K, K]``."""
    size = factor.shape[-1]
    if factor.shape[:-2] == right.shape[:-2]:
        x = np.array(right)
    else:
        leading = np.broadcast_shapes(factor.shape[:-2], right.shape[:-2])
        x = np.array(np.broadcast_to(right, leading + right.shape[-2:]))
    x[..., 0, :] /= factor[..., 0, 0, None]
    for i in range(1, size):
        known = (factor[..., i, :i, None] * x[..., :i, :]).sum(-2)
        x[..., i, :] = (x[..., i, :] - known) / factor[..., i, i, None]
    x[..., -1, :] /= factor[..., -1, -1, None]
    for i in reversed(range(size - 1)):
        known = (factor[..., i + 1 :, i, None] * x[..., i + 1 :, :]).sum(-2)
        x[..., i, :] = (x[..., i, :] - known) / factor[..., i, i, None]
    return x


def log_determinant(factor: Floats) -> Floats:
    """Ln det of L Lᵀ ``[...]``, given the lower factor L ``[..., K, K]``."""
    return np.asarray(2.0 * np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(-1))


def inverse(factor: Floats) -> Floats:
    """(L Lᵀ)⁻¹ ``[..., K, K]``, symmetric to the last bit, given the lower factor L."""
    whole = solve(factor, identity(factor.shape[-1]))
    return np.asarray((whole + whole.swapaxes(-1, -2)) / 2)
