"""Writes results.json and the page; the reading, which is written by hand, stays and is checked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from bandit_study.errors import StudyError
from bandit_study.report import claims, pictures, tables
from bandit_study.report.figures import Result, long_streams, plain, skewed

PAGE = "study.md"
RESULTS = ("<!-- results: begin -->", "<!-- results: end -->")
READING = ("<!-- reading: begin -->", "<!-- reading: end -->")
PAPER_CENSUS, PAPER_FRAUD = 0.6571, 0.0690
EMPTY = "\n".join([*RESULTS, "", *READING, ""])


def write_report(results: Sequence[Result], build: Path, docs: Path) -> list[Path]:
    """Write results.json below ``build``, and study.md with tables and pictures below ``docs``.

    Of a page that is there, only what stands between the marks of the results is replaced.

    Returns:
        The pages written.

    Raises:
        StudyError: the page has no such marks, or a claim of the reading does not hold.
    """
    build.mkdir(parents=True, exist_ok=True)
    (build / "results.json").write_text(json.dumps(list(results), indent=1) + "\n", encoding="utf-8")
    page = docs / PAGE
    text = page.read_text(encoding="utf-8") if page.exists() else EMPTY
    before, _, after = _parted(page, text, RESULTS)
    drawn = pictures.draw(results, docs / "study")
    docs.mkdir(parents=True, exist_ok=True)
    page.write_text(before + _body(results, drawn) + after, encoding="utf-8")
    details = docs / "study" / "streams.md"
    details.write_text(_details(results), encoding="utf-8")
    reading = _parted(page, text, READING)[1]
    wrong = claims.check(reading, results)
    if wrong:
        raise StudyError(f"{page}: the reading says what does not hold:\n" + "\n".join(wrong))
    return [page, details]


def _parted(page: Path, text: str, marks: tuple[str, str]) -> tuple[str, str, str]:
    """Text up to and with the first mark, between the marks, and from the second on."""
    begin, end = text.find(marks[0]), text.find(marks[1])
    if begin < 0 or end < begin:
        raise StudyError(f"{page}: needs the lines {marks[0]} and {marks[1]}, in this order")
    begin += len(marks[0])
    return text[:begin], text[begin:end], text[end:]


def _body(results: Sequence[Result], drawn: dict[str, str]) -> str:
    without, broken = plain(results), skewed(results)
    seeds = sorted({result["seeds"] for result in results})
    minutes = sum(result["seconds"] for result in results) / 60
    lines = ["", "", "## Results", ""]
    lines.append(
        f"Written by `bandit-operator experiment report`: {len(without)} streams and {len(broken)} with"
        " an injected break,"
        f" {' or '.join(map(str, seeds))} seeds each, {minutes:.0f} minutes of processor time."
        f" {len(long_streams(results))} of them are real streams of six months or more."
        " [Every measure of every stream, with intervals](study/streams.md)."
    )
    lines += ["", "### The streams", "", tables.sets(without)]
    lines += ["### Rewards against the baseline arm", ""]
    lines.append(
        "Rewards per 1,000 requests more than `constant`, which always serves the baseline arm. `best-single`"
        " and `oracle` know the future. Bold: the best that could be run. °: the 95 % interval holds 0."
    )
    lines += ["", tables.differences(without, "constant"), *_picture(drawn, "gains.png")]
    lines += ["### Over all streams", ""]
    lines.append(
        "The mean rank is by mean reward among these ways. *Above* and *below* count the streams whose whole"
        " interval of the difference lies there."
    )
    lines += ["", tables.summary(without), *_picture(drawn, "streams.png")]
    lines += ["### With a shadow", "", _shadows(without, broken), "", tables.shadows(without)]
    if broken:
        lines += ["With the injected breaks:", "", tables.shadows(broken)]
    lines += ["### Safety", "", "Means over the streams; rollbacks and promotions are counts a seed.", ""]
    lines += [tables.safety(without)]
    if broken:
        lines += ["### Injected breaks", "", _breaks(broken), ""]
        lines += [tables.differences(broken, "constant"), tables.safety(broken), *_picture(drawn, "skew.png")]
    lines += ["### Balanced accuracy", "", tables.measured(without, "balanced_accuracy")]
    lines += ["### PR-AUC", "", tables.measured(without, "pr_auc")]
    lines += ["### Beside the paper", ""]
    lines.append(
        f"The paper's two figures: best balanced accuracy on Census income {PAPER_CENSUS} (A/B test), best"
        f" PR-AUC on Bank Account Fraud {PAPER_FRAUD:.4f} (ε-greedy). Its rows, models and rewards are not"
        " known, so these are neighbours of the figures above, not targets."
    )
    return "\n".join([*lines, "", ""])


def _shadows(results: Sequence[Result], broken: Sequence[Result]) -> str:
    return (
        "The default strategy, with every arm scored on a sample of the requests beside those that it serves"
        f" (`shadow-10`: 10 %), and minShare 0. Three columns count streams, of {len(results)}"
        f"{f' and of {len(broken)} with a break' if broken else ''}, by means. What a shadow costs are calls"
        " of models: one a request serves, the others score the sample; `last-window` scores all."
    )


def _breaks(results: Sequence[Result]) -> str:
    gains = [
        f"`{result['name'].removesuffix('+skew')}`: `{result['skew']['feature']}` of"
        f" `{result['skew']['arm']}` from chunk {result['skew']['chunk']}"
        for result in results
    ]
    return f"Multiplied by 0.01: {'; '.join(gains)}. Rewards per 1,000 requests more than `constant`:"


def _picture(drawn: dict[str, str], name: str) -> list[str]:
    return [f"![{drawn[name]}](study/{name})", ""] if name in drawn else []


def _details(results: Sequence[Result]) -> str:
    lines = ["# Every stream of the study", ""]
    lines.append(
        "Written by `bandit-operator experiment report`. Half the length of the 95 % interval stands after ±."
    )
    for result in results:
        lines += ["", f"## {result['name']}", ""]
        lines.append(
            f"{result['rows']:,} rows, {result['features']} features, {result['chunks']} chunks,"
            f" reward {result['reward']}. Source: {result['source']}. Licence: {result['licence']}."
        )
        arms = [
            [arm["name"], str(arm["joins"]), f"{arm['validation']:.4f}", f"{arm['mean_reward']:.4f}"]
            for arm in result["arms"]
        ]
        lines += ["", tables.table(["arm", "joins at chunk", "validated", "mean reward since"], arms)]
        lines += [tables.whole(result)]
    return "\n".join(lines)
