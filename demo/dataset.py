"""What the demo needs of a data set, whichever it is."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import numpy.typing as npt


@dataclasses.dataclass(frozen=True)
class Skew:
    """A training/serving skew in one feature."""

    feature: str
    """Name of the feature."""
    factor: float
    """The model was trained on the value, and is handed the value times this factor."""
    cause: str
    """How such a mistake comes about, in one sentence."""


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A binary classification task in time order."""

    name: str
    """Short name."""
    source: str
    """Where it comes from and under which licence, one sentence for the person who watches."""
    features: list[str]
    """Names of the columns."""
    values: npt.NDArray[np.float64]
    """Shape (n, number of features); categories stand as their index in ``categories``, -1 for an unknown
    one."""
    labels: npt.NDArray[np.int64]
    """Shape (n,); 0 or 1."""
    past: npt.NDArray[np.bool_]
    """Shape (n,); True for rows to train and validate on, False for those that come in production."""
    categories: dict[str, list[str]]
    """The categories of each categorical feature, in the order of their codes."""
    skew: Skew
    """The mistake that the best model is served with."""

    def digest(self) -> str:
        """Return a hash of the content: equal for equal data, features and skew."""
        content = hashlib.sha256(repr((self.name, self.features, self.categories, self.skew)).encode())
        for array in (self.values, self.labels, self.past):
            content.update(np.ascontiguousarray(array).tobytes())
        return content.hexdigest()


@dataclasses.dataclass(frozen=True)
class Stream:
    """Production traffic with its labels."""

    values: npt.NDArray[np.float64]
    """Shape (n, number of features)."""
    labels: npt.NDArray[np.int64]
    """Shape (n,); 0 or 1."""
    priors: dict[str, float]
    """Share of each class by name, as the balanced-accuracy reward takes it."""


def production_stream(
    data: Dataset, *, positive_share: float = 0.5, rows: int = 30_000, seed: int = 0
) -> Stream:
    """Draw the traffic that the demo plays from the later part of a data set.

    Negatives are thinned out to the wanted share of positives: balanced accuracy is a mean over classes and
    does not change by that, but a few minutes of traffic distinguish models that would take hours with 6% of
    positives.

    Args:
        data: The data set.
        positive_share: Share of label 1 in the stream, between 0 and 1 exclusive.
        rows: Most rows of the stream; fewer where the data set has not enough of one class.
        seed: Seed of the choice and the order.
    """
    rng = np.random.default_rng(seed)
    by_class = [np.flatnonzero(~data.past & (data.labels == label)) for label in (0, 1)]
    shares = (1 - positive_share, positive_share)
    total = min(rows, *(int(len(rows_of) / share) for rows_of, share in zip(by_class, shares, strict=True)))
    counts = (total - round(total * positive_share), round(total * positive_share))
    chosen = np.concatenate(
        [rng.choice(rows_of, count, replace=False) for rows_of, count in zip(by_class, counts, strict=True)]
    )
    chosen = rng.permutation(chosen)
    priors = {str(label): count / total for label, count in enumerate(counts)}
    return Stream(data.values[chosen], data.labels[chosen], priors)
