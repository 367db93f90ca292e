"""Writes what came of the replay: the operator's path beside the study's, as a page and a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from bandit_study.data.table import Floats
from bandit_study.engine.baselines import BASELINES, serve
from bandit_study.engine.draws import draw
from bandit_study.engine.intervals import mean_interval
from bandit_study.engine.measures import measure
from bandit_study.engine.play import play
from bandit_study.engine.stream import Stream
from demo.replay.run import Result
from testbed.pictures import save, styled
from testbed.records import parse_time

STRATEGY = "ContrastThompson"
"""The default, which the manifest leaves to the operator."""
HOW = """\
Written by `python -m demo.replay`: `{stream}`, {span} in {minutes:.0f} minutes. The six arms of the study are
served by `bandit-serving arm` in Pods of the embedded cluster. Every row of the production stream is one HTTP
request through the gateway, in the order of time, {rate:g} a second; its label goes to the reward collector
after a delay (lognormal, median two ticks, 95 % within eight). The operator, installed from its chart, reads
the rewards from Prometheus every {interval:g} s and moves the weights of the HTTPRoute, with its default
strategy and guardrails."""
COUNTED = """\
Requests: {requests:,}, of which {failed} failed{why}. Labels sent: {labels_sent:,}; rewards that the operator
counted: {rewards_counted:,}; windows missing: {missing}. What the operator counted for each arm, beside what
the study's arithmetic gives for the very rows that the arm answered:"""


def beside(stream: Stream, seeds: int) -> dict[str, Any]:
    """Play the same stream by arithmetic: mean rewards, and the mean share of each arm in each chunk.

    Args:
        stream: The stream that was replayed.
        seeds: How many seeds.
    """
    draws = draw(stream, seeds)
    shares: list[Floats] = []
    path = play(
        stream, draws, STRATEGY, watch=lambda _chunk, weights, _trials, _rewards: shares.append(weights)
    )
    paths = {STRATEGY: path} | {name: serve(stream, draws, name) for name in BASELINES}
    measured = {name: measure(stream, draws, played) for name, played in paths.items()}
    rewards = measured[STRATEGY]["mean_reward"]
    return {
        "mean_reward": {name: mean_interval(measures["mean_reward"]) for name, measures in measured.items()},
        "range": [float(rewards.min()), float(rewards.max())],
        "rollbacks": mean_interval(measured[STRATEGY]["rollbacks"]),
        "shares": np.mean(shares, axis=1).round(4).tolist(),
    }


def write(result: Result, stream: Stream, seeds: int, build: Path, docs: Path) -> Path:
    """Write replay.json into one folder, replay.md and replay.png into another; returns the page."""
    build.mkdir(parents=True, exist_ok=True)
    docs.mkdir(parents=True, exist_ok=True)
    study = beside(stream, seeds)
    (build / "replay.json").write_text(
        json.dumps({**result, "study": study}, indent=1) + "\n", encoding="utf-8"
    )
    with styled():
        save(_picture(result, stream, study), docs / "replay.png")
    page = docs / "replay.md"
    page.write_text(_page(result, stream, study, seeds), encoding="utf-8")
    return page


def _page(result: Result, stream: Stream, study: dict[str, Any], seeds: int) -> str:
    ticks, months = result["ticks"], result["months"]
    minutes = (parse_time(ticks[-1]["time"]) - parse_time(ticks[0]["time"])) / 60
    span = f"{months:.1f} months" if months else "the production stream"
    low, high = study["range"]
    lines = [f"# {span[0].upper()}{span[1:]} through the real operator", ""]
    lines.append(HOW.format(span=span, minutes=minutes, **result))
    lines += ["", "| | operator | study |", "|---|---:|---:|"]
    mean = study["mean_reward"][STRATEGY]
    drawn = f"{mean[0]:.4f} ({low:.4f} – {high:.4f} in {seeds} seeds)"
    lines.append(f"| mean reward | {result['mean_reward']:.4f} | {drawn} |")
    rollbacks = study["rollbacks"]
    lines.append(f"| arms rolled back | {len(result['rolled_back'])} | {rollbacks[0]:.1f} |")
    for name in BASELINES:
        lines.append(f"| mean reward of `{name}` | | {study['mean_reward'][name][0]:.4f} |")
    why = "".join(f" ({kind}: {count})" for kind, count in result["failures"].items())
    lines += ["", COUNTED.format(missing=len(result["windows_missing"]), why=why, **result)]
    lines += ["", "| arm | requests | rewards by the operator | by the study |", "|---|---:|---:|---:|"]
    for name in stream.names:
        counted, expected = result["reward_by_operator"][name], result["reward_by_study"][name]
        lines.append(f"| {name} | {result['served'][name]:,} | {counted:.3f} | {expected:.3f} |")
    lines += ["", "![Who serves over time, by the operator and by the study](replay.png)", ""]
    for one in result["rolled_back"]:
        drained = "drained, then scaled to zero" if one["drained_before_scale"] else "not scaled to zero"
        lines.append(f"- `{one['arm']}` was found worse than the baseline at tick {one['tick']}: {drained}.")
    return "\n".join(lines).rstrip() + "\n"


def _picture(result: Result, stream: Stream, study: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    means, ours, theirs = figure.subplots(1, 3)
    at = np.arange(stream.chunks)
    for arm, name in enumerate(stream.names):
        means.plot(at, stream.means_around[:, arm], label=name, linewidth=1.3)
    means.set(title="mean reward of each arm around", xlabel="part of the stream")
    weights = np.array(
        [[tick["weights"].get(name, 0) for name in stream.names] for tick in result["ticks"]], dtype=float
    )
    ours.stackplot(np.arange(len(weights)), (weights / weights.sum(axis=1, keepdims=True)).T, linewidth=0)
    ours.set(title="weights by the operator, one run", xlabel="tick", ylabel="share of requests", ylim=(0, 1))
    theirs.stackplot(at, np.array(study["shares"]).T, linewidth=0)
    theirs.set(title="weights by the study, mean of seeds", xlabel="part of the stream", ylim=(0, 1))
    for axis in (ours, theirs):
        axis.margins(x=0)
    handles, names = means.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), fontsize="small")
    return figure
