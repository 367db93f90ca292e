"""docs/presets.md, with what is in it of each preset made from the declarations."""

from __future__ import annotations

import re
from pathlib import Path

from bandit_operator.api.presets import DEFAULT_GATEWAY, SOFTWARE, Preset, Software
from bandit_operator.api.presets.base import NotOffered

PAGE = Path("docs/presets.md")
EXPOSITIONS = Path(__file__).parent / "expositions"
_HEAD = re.compile(r"# (?P<of>.+?), recorded by (?P<by>tests/sources/recorders/\w+\.py); .*")


def exposition(name: str) -> Path:
    """The recorded metrics of a software, in a file that is named after its own.

    Raises:
        FileNotFoundError: where there is none; the message says what to record.
    """
    for path in EXPOSITIONS.iterdir():
        if path.stem.replace("_", "") == name.lower():
            return path
    raise FileNotFoundError(
        f"record {EXPOSITIONS / name.lower()}.prom, the metrics of {name} under the requests of"
        f" tests/sources/recorders/common.py; {_ITS_HEAD}"
    )


_ITS_HEAD = (
    "its first line is '# <software and version>, recorded by tests/sources/recorders/<file>.py;"
    " labels of the target added.'"
)


def recorded(name: str) -> tuple[str, Path]:
    """Of what the metrics of a software were recorded, and by which script.

    Raises:
        ValueError: if the first line of the exposition does not say so.
    """
    first = exposition(name).read_text().partition("\n")[0]
    head = _HEAD.fullmatch(first)
    if head is None:
        raise ValueError(f"{exposition(name)} begins with {first!r}; {_ITS_HEAD}")
    return head["of"], Path(head["by"])


def made() -> str:
    """The page as it is, with its table and its list made again."""
    page = PAGE.read_text(encoding="utf-8")
    page = _filled(page, "table", "\n".join(_table()))
    return _filled(page, "not offered", "\n".join(_not_offered()))


def _filled(page: str, what: str, text: str) -> str:
    begin, end = f"<!-- {what}: `make golden` makes it from the presets -->", f"<!-- end of {what} -->"
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}"


def _table() -> list[str]:
    rows = [
        "| preset | implementation | metrics | arm is told by | tested on metrics of | caveat |",
        "|---|---|---|---|---|---|",
    ]
    for preset in (
        Preset.GATEWAY_SUCCESS,
        Preset.GATEWAY_LATENCY,
        Preset.SERVER_SUCCESS,
        Preset.SERVER_LATENCY,
    ):
        first = f"`{preset}`"
        for software in SOFTWARE.values():
            offer = software.offers().get(preset)
            if offer is None or isinstance(offer, NotOffered):
                continue
            cells = (
                _named(software),
                offer.described,
                software.told_by,
                recorded(software.name)[0],
                offer.caveat,
            )
            rows.append(f"| {first} | {' | '.join(cells)} |".replace("|  |", "| |"))
            first = ""
    return rows


def _named(software: Software) -> str:
    default = "default" if software is DEFAULT_GATEWAY else ""
    remarks = "; ".join(remark for remark in (default, software.remark) if remark)
    return f"`{software.name}`" + (f" ({remarks})" if remarks else "")


def _not_offered() -> list[str]:
    return [
        f"- `{preset}` of {software.name}: {offer.documented}"
        for software in SOFTWARE.values()
        for preset, offer in software.offers().items()
        if isinstance(offer, NotOffered)
    ]
