"""Texts that people wrote, made fit for a terminal, a log and a condition.

Whoever may patch a resource, or names a field manager, chooses texts that others read in a terminal. What is
a control character there clears the screen, writes over what was said or sets the title of the window.
"""

from __future__ import annotations

_REPLACED = dict.fromkeys(
    [*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)], "\N{REPLACEMENT CHARACTER}"
)
"""The control characters C0, DEL and C1 (ISO/IEC 6429), ends of lines included, and halves of characters,
which cannot be printed.
"""


def printable(text: str) -> str:
    """The text with a replacement character for each control character, so that it is one line."""
    return text.translate(_REPLACED)


def printable_lines(text: str) -> str:
    """The same of a text of several lines."""
    return "\n".join(map(printable, text.split("\n")))
