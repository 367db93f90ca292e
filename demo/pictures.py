"""The pictures of the report, from the values of report.json alone."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from demo.outcomes import Outcomes, after_start
from testbed.colours import COLOURS, INK
from testbed.pictures import styled

SIZE = (9.6, 3.3)  # inches
MARKS = {
    "verdict": ("verdict", "center"),
    "rolled back": ("no Pods", "right"),
    "restored": ("back, fixed", "left"),
    "leads": ("leads", "center"),
}
"""The steps of the story that the pictures mark: how they are called there, on which side of their line."""
_BELOW: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.17), "ncols": 4, "frameon": False}


@dataclass(frozen=True)
class Picture:
    """A drawn figure."""

    title: str
    """What it shows."""
    svg: bytes
    """The picture as SVG."""

    @property
    def uri(self) -> str:
        """The picture as the source of an image that needs no file."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg).decode()


def draw_all(report: dict[str, Any]) -> list[Picture]:
    """Return all pictures of a report that has at least one tick with rewards."""
    return [
        _drawn("Weights: where the traffic goes", report, weights),
        _drawn("Evidence that an arm is worse than the baseline, against its threshold", report, evidence),
        _drawn("Mean reward of each tick, against two rules that do not learn", report, rewards),
    ]


def weights(axes: Axes, report: dict[str, Any]) -> None:
    """Stack the shares of the arms over time."""
    arms, times = list(report["arms"]), _times(report)
    times[0] = min(times[0], 0.0)  # the first weights are those that the user gave
    shares = np.array(
        [[tick["weights"].get(arm, 0) for tick in report["ticks"]] for arm in arms], dtype=float
    )
    shares /= np.maximum(shares.sum(0), 1)
    axes.stackplot(times, shares, step="post", colors=_colours(arms), alpha=0.9, linewidth=0)
    for arm, share in zip(arms, shares, strict=True):
        widest = _middle_of_widest(share)
        height = shares[: arms.index(arm), widest].sum() + share[widest] / 2
        axes.text(times[widest], height, arm, color="white", weight="bold", ha="center", va="center")
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1.0))
    axes.set_ylabel("share of requests")


def _middle_of_widest(share: np.ndarray[Any, np.dtype[np.float64]]) -> int:
    """Return an index at which a share is close to its largest, in the middle of where it is."""
    near = np.flatnonzero(share >= 0.93 * share.max())
    runs = np.split(near, np.flatnonzero(np.diff(near) > 1) + 1)
    longest = max(runs, key=len)
    return int(np.clip(longest[len(longest) // 2], 2, max(2, len(share) - 3)))


def evidence(axes: Axes, report: dict[str, Any]) -> None:
    """Draw the e-values on a logarithmic axis, up to the threshold and beyond."""
    times = _times(report)
    for arm, colour in zip(report["arms"], _colours(list(report["arms"])), strict=True):
        values = [tick["evidence"].get(arm) for tick in report["ticks"]]
        known = [(t, v) for t, v in zip(times, values, strict=True) if v is not None]
        if not known:
            continue
        axes.plot(*_broken_at_resets(known), color=colour, linewidth=2, marker="o", markersize=2.5, label=arm)
    limit = report["threshold"]
    if limit is not None:
        axes.axhline(limit, color=INK, linestyle="--", linewidth=1.2)
        axes.annotate(
            f"threshold {limit:g}: roll back", (0.995, limit), xycoords=("axes fraction", "data"),
            xytext=(0, 4), textcoords="offset points", ha="right", color=INK,
        )  # fmt: skip
    axes.set_yscale("log")
    axes.legend(**_BELOW)
    axes.set_ylabel("e-value")


def _broken_at_resets(known: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Return times and values, with a gap where evidence falls back to 1 because it starts again."""
    xs: list[float] = []
    ys: list[float] = []
    for time, value in known:
        if ys and value == 1.0 and ys[-1] > 2.0:
            xs.append(time)
            ys.append(float("nan"))
        xs.append(time)
        ys.append(value)
    return xs, ys


def rewards(axes: Axes, report: dict[str, Any]) -> None:
    """Draw what each tick earned, and what the best validated arm and the best arm would earn on average."""
    outcomes = Outcomes(report)
    axes.plot(
        outcomes.times, outcomes.oracle, color=INK, linestyle=":", linewidth=1.8, drawstyle="steps-mid",
        label="oracle: always the arm that is best at the time",
    )  # fmt: skip
    axes.plot(
        outcomes.times, outcomes.fixed, color="#D55E00", linestyle="--", linewidth=1.8, drawstyle="steps-mid",
        label=f"always the best validated: {report['skew']['arm']}",
    )  # fmt: skip
    axes.plot(outcomes.times, outcomes.means, color="#0072B2", linewidth=2.2, label="bandit-operator")
    half = 1.96 * np.sqrt(outcomes.means * (1 - outcomes.means) / outcomes.trials)
    axes.fill_between(
        outcomes.times, outcomes.means - half, outcomes.means + half, color="#0072B2", alpha=0.18, linewidth=0
    )
    axes.set_ylim(top=min(1.0, float((outcomes.means + half).max()) + 0.04))
    axes.legend(**_BELOW)
    axes.set_ylabel("mean reward (balanced accuracy)")


def _drawn(title: str, report: dict[str, Any], draw: Any) -> Picture:
    # Texts stay texts: small, sharp, and they can be searched.
    texts: Any = {"svg.fonttype": "none", "font.size": 10, "font.family": "sans-serif"}
    with styled(), mpl.rc_context(texts):
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.subplots()
        draw(axes, report)
        axes.set_xlim(0, max(_times(report)))
        axes.set_xlabel("seconds since the first request")
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        _mark_steps(axes, report)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return Picture(title, file.getvalue())


def _mark_steps(axes: Axes, report: dict[str, Any]) -> None:
    for step in report["steps"]:
        if step["step"] in MARKS and step["time"] is not None:
            at = after_start(report, step["time"])
            words, side = MARKS[step["step"]]
            axes.axvline(at, color=INK, linewidth=0.8, alpha=0.7)
            axes.annotate(
                words, (at, 1.0), xycoords=("data", "axes fraction"),
                xytext=(0, 3), textcoords="offset points", ha=side, fontsize=9, color=INK,
            )  # fmt: skip


def _times(report: dict[str, Any]) -> list[float]:
    return [after_start(report, tick["time"]) for tick in report["ticks"]]


def _colours(arms: list[str]) -> list[str]:
    return [COLOURS[number % len(COLOURS)] for number in range(len(arms))]
