"""What the shadow has shown, in parts that belong to one module each.

Three tests for every ordered pair of arms, mixed as those of served evidence are (:mod:`.evidence`): the
differences on the same requests (E1, :mod:`.paired`), the same differences by blocks of ticks whose variance
has been seen (E2, :mod:`.mean_bets`), and whole ticks (E3). Labels that come late do no harm here: one
label is worth the same moment to all arms, so no profile is needed.

Served evidence and the shadow's are each right with their own e-value, and the mean of two e-values is
one: either may decide, and the error is shared between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandit_operator.core.inference import agreement, contrasts, mean_bets, paired
from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.evidence import mixed_log
from bandit_operator.core.inference.named_arrays import Arrays, Field, Fields, Flags, Floats
from bandit_operator.core.inference.paired import PairTick
from bandit_operator.core.inference.pairs import Pairs
from bandit_operator.core.inference.parts import Parts
from bandit_operator.core.model import RewardType

SHARPEST_AT = 1_000.0
"""Σh, half the requests, at which the interval of a difference is sharpest: a sample is small."""
BLOCK = 0.25
"""Variance of z, in rewards, at which E2 takes a block in: a sample is small, and each of its ticks tells."""
TICKS_SHOW = 8.0
"""How many ticks a block of E2 may stand for where it takes several to fill one."""


@dataclass(frozen=True, slots=True, eq=False)
class ShadowTick:
    """What the shadow scored in one window, with any leading axes."""

    moments: Floats
    """Sums of each arm's rewards in the shadow ``[..., M, K]``, rows as in :mod:`.moments`."""
    pairs: PairTick
    """What pairs of arms earned on the same requests."""


@dataclass(frozen=True, slots=True, eq=False)
class ShadowEvidence(Parts):
    """Arrays with any leading axes, by the module that owns them."""

    totals: Arrays
    """Sums of each arm's rewards in the shadow since its last reset."""
    paired: Arrays
    """Differences on the same requests, E1 and E3."""
    bets: Arrays
    """E2, and the over-dispersion that tempers E1."""
    agreement: Arrays
    """Whether the arms earn in the shadow what they earn where they serve."""

    @classmethod
    def fields_of(cls, reward_type: RewardType) -> dict[str, Fields]:
        """The arrays of each part."""
        return {
            "totals": {"shadow_totals": Field(inner=(mo.rows(reward_type),))},
            "paired": paired.fields(),
            "bets": mean_bets.fields(),
            "agreement": agreement.fields(),
        }

    @property
    def moments(self) -> Floats:
        """Sums of each arm's rewards in the shadow since its last reset ``[..., M, K]``."""
        return self.totals["shadow_totals"]

    @property
    def scored(self) -> Flags:
        """Arms that the shadow has scored beside another one lately ``[..., K]``."""
        return np.asarray((self.paired["paired_recent_trials"] >= 1.0).any(-1))

    @property
    def contradicted(self) -> Flags:
        """Arms whose served rewards and those in the shadow differ beyond chance ``[..., K]``."""
        return agreement.contradicted(self.agreement)

    @property
    def doubtful(self) -> Flags:
        """Arms of which served rewards speak against the shadow as far as they go ``[..., K]``."""
        return agreement.doubtful(self.agreement)

    @property
    def lies(self) -> Flags:
        """Whether any arm's do, so that nothing rests on the shadow ``[...]``."""
        return np.asarray(self.contradicted.any(-1))


def update(
    evidence: ShadowEvidence,
    tick: ShadowTick,
    served: Floats,
    reward_type: RewardType,
    late: tuple[Floats, Floats] | None = None,
) -> ShadowEvidence:
    """Evidence after one more tick.

    Args:
        evidence: what was known before the tick.
        tick: what the shadow scored in it.
        served: moments of the same tick's served rewards ``[..., M, K]``.
        reward_type: what one reward is; not a ratio.
        late: where served rewards come late, the fewest and the most exposures that they may be of
            ``[..., K]``; else None.
    """
    normal, pairs = mo.is_normal(reward_type), tick.pairs
    return ShadowEvidence(
        totals={"shadow_totals": evidence.moments + tick.moments},
        paired=paired.update(
            evidence.paired, pairs, mean_bets.over_dispersion(evidence.bets), bounded=not normal
        ),
        bets=mean_bets.update(
            evidence.bets,
            _compared(evidence, pairs, normal),
            normal=normal,
            block=BLOCK,
            ticks_show=TICKS_SHOW,
        ),
        agreement=agreement.update(evidence.agreement, served, tick.moments, late, normal=normal),
    )


def _compared(evidence: ShadowEvidence, tick: PairTick, normal: bool) -> Pairs:
    """The tick as one comparison of every pair; both arms have the same requests.

    Of the difference half is given to each of the two, since what they have in common does not count.
    """
    gap, square = paired.expected(evidence.paired)
    own = np.nan_to_num(mo.means(evidence.moments), nan=0.5)
    level = (own[..., :, None] + own[..., None, :]) / 2.0
    spread, ready = square / 2.0, tick.trials > 0
    if normal:
        spread = paired.variance(evidence.paired, bounded=False) / 2.0
        ready &= spread > 0
    return Pairs(
        ready,
        trials=tick.trials,
        rewards=tick.difference / 2.0,
        mean=level + gap / 2.0,
        variance=spread,
        spread=spread,
        most=tick.trials,
        least=tick.trials,
        number=evidence.paired["paired_ticks"],
    )


def worth(evidence: ShadowEvidence, baseline: int, reward_type: RewardType) -> Floats:
    """How many served requests would tell each arm's difference from the baseline as well ``[..., K]``.

    n requests of both arms served apart tell it with variance 2v/n, where v is that of one reward; as many
    that both have answered with V/n, and V, that of one difference, is far smaller where the arms mostly
    agree. For the baseline it is the largest of the others'.
    """
    arrays = evidence.paired
    trials = arrays["paired_trials"][..., baseline]
    if mo.is_normal(reward_type):
        alone = mo.pooled_variance(evidence.moments)[..., None]
        apart = paired.variance(arrays, bounded=False)[..., baseline]
    else:
        mean = np.clip(np.nan_to_num(mo.means(evidence.moments), nan=0.5), 0.0, 1.0)
        level = (mean + mean[..., baseline, None]) / 2.0
        alone = level * (1.0 - level)
        apart = (arrays["paired_squares"][..., baseline] + 1.0) / (trials + 1.0)
    known = (trials > 0) & (apart > 0)
    result = np.where(known, trials * 2.0 * alone / np.where(known, apart, 1.0), 0.0)
    result[..., baseline] = result.max(-1)
    return result


def log_proof(evidence: ShadowEvidence, reward_type: RewardType) -> Floats:
    """Ln of the shadow's e-value that the row's arm is better than the column's ``[..., K, K]``."""
    bet = mean_bets.log_e_value(evidence.bets)
    if mo.is_normal(reward_type):  # the other two tests need bounds
        return bet
    differences, ticks = paired.log_e_values(evidence.paired)
    return mixed_log(differences, bet, ticks)


def interval(
    evidence: ShadowEvidence, baseline: int, reward_type: RewardType, error_rate: float
) -> tuple[Floats, Floats, Floats]:
    """Estimate and ends of (arm's mean − baseline's mean) on the same requests, each ``[..., K]``.

    As :func:`.contrasts.interval` has them: ends are infinite without data, and hold at all times together.
    """
    sums = paired.as_contrasts(evidence.paired, baseline, bounded=not mo.is_normal(reward_type))
    dispersion = mean_bets.over_dispersion(evidence.bets)[..., baseline]
    return contrasts.interval(sums, dispersion, error_rate, SHARPEST_AT)
