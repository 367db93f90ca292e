"""Mermaid blocks as SVG inside the page, in its colours, so that no reader's browser needs Mermaid."""

from __future__ import annotations

import functools
import re

import mermaidx

_BLOCK = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INK = "var(--md-default-fg-color)"
_PAPER = "var(--md-default-bg-color)"
_COLOURS = {
    "theme": "base",
    "fontFamily": "inherit",
    "themeVariables": {"primaryColor": "#80808022", "primaryBorderColor": "#7a7a7a", "lineColor": "#7a7a7a"},
}
_CSS = (
    f".edgeLabel, .edgeLabel p, .labelBkg {{ background: {_PAPER} !important; fill: {_PAPER}; }}"
    f" text, tspan {{ fill: {_INK} !important; }} foreignObject * {{ color: {_INK} !important; }}"
    " .actor, .note { fill: #80808022 !important; stroke: #7a7a7a !important; }"
)


def drawn(text: str) -> str:
    """A page with its Mermaid blocks drawn."""
    return _BLOCK.sub(lambda block: f'<div class="drawing">{_picture(block[1])}</div>', text)


@functools.cache
def _picture(source: str) -> str:
    """One drawing on a single line, which Markdown leaves alone."""
    svg = mermaidx.render(source, config=_COLOURS, css=_CSS).svg()
    return " ".join(str(svg).split())
