"""The Beta distribution on panels of its logit scale, on which its density is smooth and close to normal."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.polynomial import Polynomial

from bandit_operator.core.inference.named_arrays import Floats

EDGES = np.array([-7.5, -5.0, -3.5, -2.25, -1.1, 0.0, 1.1, 2.25, 3.5, 5.0, 7.5])
"""Panel edges of one arm, in standard deviations of its posterior."""
_NODES = 8


@cache
def rule() -> tuple[Floats, Floats, Floats]:
    """Gauss–Legendre nodes and weights on [−1, 1], and the integrals from −1 to each node.

    The matrix ``A[i, j]`` is ∫ of the j-th Lagrange polynomial from −1 to node i, so that
    ``A @ f`` gives the distribution function at the nodes from the density at the nodes.
    """
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    matrix = np.empty((_NODES, _NODES))
    for j in range(_NODES):
        lagrange = Polynomial.fromroots(np.delete(nodes, j))
        primitive = (lagrange / lagrange(nodes[j])).integ()
        matrix[:, j] = primitive(nodes) - primitive(-1.0)
    return nodes, weights, matrix


def panel_edges(alpha: Floats, beta: Floats) -> Floats:
    """Edges of the panels of logit(Beta(α, β)) ``[..., 11]``, as offsets from log(α/β)."""
    scale = np.sqrt(1.0 / alpha + 1.0 / beta)
    # Towards 0 and 1 the tails on the logit scale are exponential, not normal: reach further out.
    step = EDGES * scale[..., None]
    step = np.where(EDGES < -4, step * (1 + 2.2 / alpha[..., None]), step)
    return np.where(EDGES > 4, step * (1 + 2.2 / beta[..., None]), step)


def log_density(offset: Floats, alpha: Floats, beta: Floats) -> Floats:
    """Log density of logit(Beta(α, β)) at log(α/β) + offset, relative to offset 0.

    Written with log1p and expm1, because the two terms of the plain form are of the size of
    the counts and cancel: at 1e9 trials nothing would be left of them.
    """
    share = alpha / (alpha + beta)
    reach = np.clip(offset, -700.0, 700.0)
    return -alpha * np.log1p((1 - share) * np.expm1(-reach)) - beta * np.log1p(share * np.expm1(reach))


def quantiles(alpha: Floats, beta: Floats, probabilities: Floats) -> Floats:
    """The values below which Beta(α, β) lies with these probabilities.

    The distribution function at the panels' nodes, turned round by a cubic between the two next ones, whose
    slopes the density gives. Within 0.002 standard deviations for α and β from 1 to 1e9, which no rounded
    interval shows.

    Args:
        alpha: ``[...]``, ≥ 1.
        beta: ``[...]``, ≥ 1.
        probabilities: ``[Q]``, in [0.001, 0.999].

    Returns:
        ``[..., Q]``, in [0, 1].
    """
    nodes, weights, matrix = rule()
    edges = panel_edges(alpha, beta)
    half = (edges[..., 1:] - edges[..., :-1]) / 2
    at = edges[..., :-1, None] + half[..., None] * (nodes + 1)
    density = np.exp(log_density(at, alpha[..., None, None], beta[..., None, None]))
    mass = half * (density @ weights)
    up_to = np.cumsum(mass, axis=-1)
    total = up_to[..., -1:, None]
    below = ((up_to - mass)[..., None] + half[..., None] * (density @ matrix.T)) / total
    flat = (*edges.shape[:-1], -1)
    nodes_at, distribution, slope = at.reshape(flat), below.reshape(flat), (density / total).reshape(flat)
    after = (distribution[..., None, :] < probabilities[:, None]).sum(-1)
    after = np.clip(after, 1, distribution.shape[-1] - 1)
    left, right = (
        [np.take_along_axis(values, one, -1) for values in (nodes_at, distribution, slope)]
        for one in (after - 1, after)
    )
    rise, step = right[1] - left[1], right[0] - left[0]
    part = (probabilities - left[1]) / rise
    first, last = rise / left[2], rise / right[2]
    bend = 3 * step - 2 * first - last + part * (first + last - 2 * step)
    offset = left[0] + part * (first + part * bend)
    return np.asarray(1.0 / (1.0 + (beta / alpha)[..., None] * np.exp(-offset)))
