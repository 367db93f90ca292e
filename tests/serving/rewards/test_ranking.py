"""How well the mean of the reward for rare positives ranks real models as their PR-AUC does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, average_precision_score, balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from bandit_serving.rewards import make_reward

KINDS: tuple[Callable[[], Any], ...] = (
    lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500)),
    lambda: make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=500)),
    lambda: RandomForestClassifier(50, min_samples_leaf=3, random_state=0),
    lambda: RandomForestClassifier(50, max_depth=3, random_state=0),
    lambda: KNeighborsClassifier(15),
    lambda: DecisionTreeClassifier(min_samples_leaf=15, random_state=0),
)


@pytest.fixture(scope="module")
def scores() -> tuple[np.ndarray, list[np.ndarray]]:
    """Return 1,000 images, whether each is an 8 (10 % are), and what 72 models think that it is.

    The models differ in kind, in how many images they learnt from and in how many pixels they see.
    """
    rng = np.random.default_rng(5)
    images, digits = load_digits(return_X_y=True)
    target = (digits == 8).astype(int)
    order = rng.permutation(len(images))
    shown, learnt = order[:1000], order[1000:]
    found = []
    for kind in KINDS:
        for size in (100, 250, 500, 797):
            for pixels in (4, 16, 64):
                seen = rng.choice(64, pixels, replace=False)
                rows = learnt[:size]
                model = kind().fit(images[rows][:, seen], target[rows])
                found.append(model.predict_proba(images[shown][:, seen])[:, 1])
    return target[shown], found


@pytest.mark.slow
def test_rare_positives_ranks_72_models_nearer_to_pr_auc_than_accuracy_does(
    scores: tuple[np.ndarray, list[np.ndarray]],
) -> None:
    truth, found = scores
    reward = make_reward("rare-positives", {})

    def mean_reward(score: np.ndarray) -> float:
        pairs = zip(score.tolist(), truth.tolist(), strict=True)
        return float(np.mean([reward.reward({"predict_proba": [1 - s, s]}, y) for s, y in pairs]))

    def agreement(measure: Callable[[np.ndarray], float]) -> float:
        """Kendall's τ between the ranking by a measure and that by the area under the curve."""
        areas = [average_precision_score(truth, score) for score in found]
        return float(kendalltau(areas, [measure(score) for score in found]).statistic)

    # The figures that docs/rewards.md states, with room for another release of scikit-learn.
    assert agreement(mean_reward) == pytest.approx(0.80, abs=0.04)
    assert agreement(lambda score: accuracy_score(truth, score >= 0.5)) == pytest.approx(0.61, abs=0.05)
    assert agreement(lambda score: balanced_accuracy_score(truth, score >= 0.5)) == pytest.approx(
        0.52, abs=0.05
    )
