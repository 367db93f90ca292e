"""Posterior, forecast and evidence of the contrasts between arms, from sums over pairs of arms.

Sums are kept by memory, and each component of the prior (:mod:`bandit_operator.core.strategies.hypotheses`)
makes of each memory a posterior of its own.
"""

from __future__ import annotations

import numpy as np

from bandit_operator.core.inference import small_systems as ss
from bandit_operator.core.inference.named_arrays import Arrays, Floats, identity
from bandit_operator.core.strategies.hypotheses import Priors


def _laplacian(weight: Floats) -> Floats:
    return np.asarray(weight.sum(-1)[..., None] * identity(weight.shape[-1]) - weight)


def _ridge(laplacian: Floats, prior: Priors) -> Floats:
    """The priors' precision ``[..., J, 3, K]``.

    A Laplacian is singular: beyond 1e12 times the prior's precision the inverse would be noise, so
    the prior counts for no less than that beside the largest element.
    """
    largest = laplacian.max((-1, -2))[..., None, :, None]
    return np.asarray(np.maximum(1.0 / prior.variance[..., None, :], 1e-12 * largest))


def _precision(laplacian: Floats, prior: Priors) -> Floats:
    """Posterior precision ``[..., J, 3, K, K]`` for Laplacians ``[..., 3, K, K]``."""
    ridge = _ridge(laplacian, prior)
    return np.asarray(laplacian[..., None, :, :, :] + ridge[..., None] * identity(laplacian.shape[-1]))


def _beyond(laplacian: Floats, difference: Floats, prior: Priors) -> Floats:
    """Sums of differences beyond what the prior's means say ``[..., J, 3, K]``."""
    said = (laplacian[..., None, :, :, :] * prior.mean[..., :, None, None, :]).sum(-1)
    return np.asarray(difference[..., None, :, :] - said)


def log_forecast(before: Arrays, weight: Floats, difference: Floats, prior: Priors) -> Floats:
    """Log density of a tick under the posterior before it ``[..., J, 3]``, up to a constant of the tick.

    With means measured from the prior's, that is the rise of ½ bᵀP⁻¹b − ½ ln det P with the tick. Both of its
    terms grow without end, and little would be left of their difference: with m the mean before
    the tick, and r = d − Wm what the tick says otherwise, it is
    ½ (2 mᵀd − mᵀWm + rᵀP⁻¹r) − ½ Δ ln det P, whose terms are the tick's own. For a prior mean c the density
    of the same tick has cᵀd − ½ cᵀWc besides, from measuring d from it.

    Args:
        before: discounted weights and differences of the pairs.
        weight: the tick's weights W of the pairs ``[..., 3, K, K]``.
        difference: the tick's d, summed over pairs ``[..., 3, K]``.
        prior: the components.
    """
    old, new = _laplacian(before["weight"]), _laplacian(weight)
    factor = ss.cholesky(_precision(old, prior))
    mean = ss.solve(factor, _beyond(old, before["difference"].sum(-1), prior)[..., None])[..., 0]
    own = _beyond(new, difference, prior)
    expected = (new[..., None, :, :, :] * mean[..., None, :]).sum(-1)
    after = ss.cholesky(_precision(old + new, prior))
    surprise = own - expected
    step = ss.solve(after, surprise[..., None])[..., 0]
    quadratic = (mean * (2.0 * own - expected)).sum(-1) + (surprise * step).sum(-1)
    center = prior.mean[..., :, None, :]
    shifted = (center * (difference[..., None, :, :] + own)).sum(-1)  # 2 cᵀd − cᵀWc
    return np.asarray(0.5 * (quadratic + shifted + ss.log_determinant(factor) - ss.log_determinant(after)))


def log_evidence(arrays: Arrays, prior: Priors) -> Floats:
    """Log density of what each memory holds under each component ``[..., J, 3]``, up to what all share.

    With L and b the discounted sums, b̃ = b − Lc and P = L + V⁻¹ it is
    ½ (cᵀ(b + b̃) + b̃ᵀP⁻¹b̃ + ln det V⁻¹ − ln det P): the integral of exp(bᵀμ − ½ μᵀLμ) over the prior N(c, V).
    Discounted, the likelihood is to a power, as in a power prior (Ibrahim & Chen, "Power prior distributions
    for regression models", 2000), so that evidence is lost with the rewards that it rests on and not before.
    """
    held, difference = _laplacian(arrays["weight"]), arrays["difference"].sum(-1)
    beyond = _beyond(held, difference, prior)
    factor = ss.cholesky(_precision(held, prior))
    fitted = (beyond * ss.solve(factor, beyond[..., None])[..., 0]).sum(-1)
    shifted = (prior.mean[..., :, None, :] * (difference[..., None, :, :] + beyond)).sum(-1)
    flat = np.log(_ridge(held, prior)).sum(-1)
    return np.asarray(0.5 * (shifted + fitted + flat - ss.log_determinant(factor)))


def posterior(state: Arrays, prior: Priors) -> tuple[Floats, Floats]:
    """Mean ``[..., J, 3, K]`` and lower Cholesky factor ``[..., J, 3, K, K]`` of the contrasts."""
    laplacian = _laplacian(state["weight"])
    factor = ss.cholesky(_precision(laplacian, prior))
    beyond = _beyond(laplacian, state["difference"].sum(-1), prior)
    mean = prior.mean[..., :, None, :] + ss.solve(factor, beyond[..., None])[..., 0]
    jitter = 1e-12 * prior.variance[..., None, :, None] * identity(mean.shape[-1])
    return mean, ss.cholesky(ss.inverse(factor) + jitter)
