"""A scikit-learn model ready to serve: its features, its outputs, and a skew where one is asked for."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import sklearn

from bandit_serving.errors import BadSetting
from bandit_serving.faults import why

FloatMatrix = npt.NDArray[np.float64]

# Checks that scikit-learn makes on each call and that protocol.py has made already.
_SERVING_CONFIG = {"assume_finite": True, "skip_parameter_validation": True}


@dataclasses.dataclass(frozen=True)
class Output:
    """One output tensor of the model: ``predict``, or ``predict_proba`` where the model has it."""

    name: str
    """Name of the tensor and of the estimator's method that computes it."""
    datatype: str
    """INT64, FP64, BOOL or BYTES, as the protocol names them."""
    shape: tuple[int, ...]
    """Shape of the tensor with -1 for the number of rows."""


class Model:
    """A fitted scikit-learn estimator over a fixed list of numeric features."""

    def __init__(self, estimator: Any, features: list[str], skew: dict[str, float] | None = None) -> None:
        """Wrap a fitted estimator.

        Args:
            estimator: Anything with scikit-learn's ``predict`` and, for probabilities, ``predict_proba``.
            features: Names of its columns.
            skew: Factor by feature: the value handed to the estimator is the value received times the factor.

        Raises:
            BadSetting: The skew names a feature that the model does not have.
        """
        self.features = features
        """Names of the columns, in the order of the training matrix."""
        self._estimator = estimator
        sklearn.set_config(**_SERVING_CONFIG)
        self._factors: npt.NDArray[np.float64] | None = None
        if skew:
            self._factors = np.ones(len(features))
            for name, factor in skew.items():
                if name not in features:
                    raise BadSetting(
                        f"--skew names the feature {name!r}; the model has {', '.join(features)}"
                    )
                self._factors[features.index(name)] = factor
        self.outputs = {output.name: output for output in self._probe()}
        """Output tensors by name."""

    def _probe(self) -> list[Output]:
        """Find out names, types and shapes of the outputs by predicting one row of zeros."""
        row = np.zeros((1, len(self.features)))
        names = ["predict"] + ["predict_proba"] * hasattr(self._estimator, "predict_proba")
        outputs = []
        for name in names:
            value = np.asarray(getattr(self._estimator, name)(row))
            datatype = {"i": "INT64", "u": "INT64", "f": "FP64", "b": "BOOL"}.get(value.dtype.kind, "BYTES")
            outputs.append(Output(name, datatype, (-1, *value.shape[1:])))
        return outputs

    def check_outputs(self, names: list[str]) -> tuple[str, ...]:
        """Return the names, each stripped of blanks.

        Raises:
            BadSetting: The model has no output of such a name.
        """
        stripped = tuple(name.strip() for name in names)
        for name in stripped:
            if name not in self.outputs:
                raise BadSetting(f"--event-outputs {name}: the model has {', '.join(self.outputs)}")
        return stripped

    def compute(self, rows: FloatMatrix, names: list[str]) -> dict[str, npt.NDArray[Any]]:
        """Compute the named outputs.

        Args:
            rows: Finite values, shape (n, number of features). Scaled in place where there is a skew.
            names: Names out of ``outputs``.

        Returns:
            One array of n predictions by name.
        """
        if self._factors is not None:
            rows *= self._factors
        return {name: np.asarray(getattr(self._estimator, name)(rows)) for name in names}


def load_model(path: Path, card: Path | None = None, skew: dict[str, float] | None = None) -> Model:
    """Load a joblib file. It can run any code when opened, so load only files that you trust.

    Args:
        path: The file that ``joblib.dump(estimator, path)`` wrote.
        card: JSON file with the key ``features``, the list of column names; PATH with the ending .json unless
            given. Without such a file names come from the estimator (``feature_names_in_``), or are x0, x1, …
        skew: As in ``Model``.

    Raises:
        BadSetting: A file is missing, is no model, or disagrees with the model about the number of features.
    """
    try:
        estimator = joblib.load(path)
    except FileNotFoundError as error:
        raise BadSetting(f"--model {path}: there is no such file") from error
    except Exception as error:
        raise BadSetting(
            f"--model {path}: it is no model that joblib.dump wrote, or one of packages that are not here"
            f" ({type(error).__name__}: {str(error) or 'the file is cut off'})"
        ) from error
    width = getattr(estimator, "n_features_in_", None)
    if width is None or not hasattr(estimator, "predict"):
        raise BadSetting(
            f"--model {path}: holds a {type(estimator).__name__}; save a fitted scikit-learn estimator"
        )
    features = _read_features(card or path.with_suffix(".json"), required=card is not None)
    if features is None:
        features = [
            str(name) for name in getattr(estimator, "feature_names_in_", [f"x{i}" for i in range(width)])
        ]
    if len(features) != width:
        raise BadSetting(
            f"the model card lists {len(features)} features; the model {path} was fitted with {width}"
        )
    return Model(estimator, features, skew)


def _read_features(card: Path, required: bool) -> list[str] | None:
    if not required and not card.exists():
        return None
    try:
        content = json.loads(card.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadSetting(f"--card {card}: cannot be read as JSON: {why(error)}") from error
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list):
        raise BadSetting(
            f"--card {card}: needs a JSON object with the list `features`, the names of the columns"
        )
    return [str(name) for name in features]
