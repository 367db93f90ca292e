"""Files in YAML or JSON that people wrote, read with bounds, as the API server would take them.

Scalars mean what they mean to Kubernetes: a date is a string. What a file must not do is told by file, line
and fix: say a key twice, of which one would be lost; nest, or repeat itself by aliases, without measure.
"""

from __future__ import annotations

import codecs
import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

MOST_BYTES = 256 * 1024 * 1024
"""Most bytes of a file: a list of a thousand resources with their records has about a tenth."""
MOST_YAML = 32 * 1024 * 1024
"""Most of them where it is no JSON, which is read a hundred times as fast."""
MOST_DEPTH = 100
"""Most levels of lists and maps; a resource has fifteen."""
MOST_REPEATED = 10_000
"""Most values that aliases bring, counted as often as they are repeated."""
_SHOWN = 40
"""Characters of a value that are shown."""


class Unreadable(ValueError):
    """A file that cannot be read; the message names it, what is wrong and the fix."""


def documents_in(source: str | Path, most: int = MOST_BYTES, *, secret: bool = False) -> list[Any]:
    """Read all documents of a file that are not empty.

    Args:
        source: the file; ``-`` is standard input.
        most: most bytes that are read.
        secret: whether messages must not repeat what is in it.

    Raises:
        Unreadable: It cannot be read, or is too large, no text, or neither YAML nor JSON.
    """
    name = "standard input" if str(source) == "-" else str(source)
    try:
        text = _text(_bytes(source, most))
        found = _documents(text)
    except _Fault as fault:
        line = "" if fault.line is None else f"line {fault.line}: "
        shown = "" if secret or fault.shown is None else f" ({fault.shown})"
        raise Unreadable(f"{name}: {line}{fault.what}{shown}; {fault.fix}") from None
    return [one for one in found if one is not None]


def document_in(source: str | Path, most: int = MOST_BYTES, *, secret: bool = False) -> Any:
    """Read the only document of a file; None where it is empty. Likewise.

    Raises:
        Unreadable: also where it has several.
    """
    found = documents_in(source, most, secret=secret)
    if len(found) > 1:
        raise Unreadable(f"{source}: it has {len(found)} documents; leave one, without --- after it")
    return found[0] if found else None


class _Fault(Exception):
    """What is wrong with a text, where, and how to fix it; what is shown of it stands apart."""

    def __init__(self, what: str, fix: str, line: int | None = None, shown: str | None = None) -> None:
        super().__init__(what)
        self.what, self.fix, self.line, self.shown = what, fix, line, shown


def _bytes(source: str | Path, most: int) -> bytes:
    try:
        if str(source) == "-":
            if sys.stdin is None:  # whoever started this has closed it
                raise _Fault("it is closed", "name a file, or let it come from a pipe")
            data = sys.stdin.buffer.read(most + 1)
        else:
            with Path(source).open("rb") as file:
                data = file.read(most + 1)
    except OSError as error:
        raise _Fault(f"it cannot be read: {error.strerror}", "name a file that can") from error
    if len(data) > most:
        raise _Fault(f"it is longer than {most:,} bytes", "name a shorter file")
    return data


def _text(data: bytes) -> str:
    """The text of a file; UTF-16 by its mark, which Windows PowerShell writes."""
    utf_16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Fault("it is no text in UTF-8", "save it as UTF-8") from error


def _documents(text: str) -> list[Any]:
    try:
        # JSON is YAML too, but sooner read.
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_refused)
        _bounded(found)
    except (ValueError, RecursionError):
        return _in_yaml(text)  # which says where
    return [found]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key that is there twice")
    return found


def _bounded(value: Any) -> None:
    """Raise ValueError where JSON is nested deeper than YAML may be."""
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise ValueError("nested too deeply")


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _in_yaml(text: str) -> list[Any]:
    if len(text) > MOST_YAML:
        raise _Fault(f"it is no JSON, and longer than {MOST_YAML:,} characters", "write it as JSON: -o json")
    try:
        return list(yaml.load_all(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        raise _Fault("it is neither YAML nor JSON", "fix that line", line, error.problem) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        what = "it is neither YAML nor JSON, but has a character that no text has"
        raise _Fault(what, "save it as text", line) from error


class _Loader(yaml.SafeLoader):
    """Reads YAML with bounds, and says at which line one is broken."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = self._repeated = 0
        self._sizes: dict[yaml.Node, int] = {}
        """How many values a finished node has, those that aliases bring included."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Read the next value; an alias counts as all that it repeats."""
        event = self.peek_event()  # type: ignore[no-untyped-call]  # its stubs leave it out
        line = event.start_mark.line + 1
        if self._depth >= MOST_DEPTH:
            raise _Fault(f"it is nested more than {MOST_DEPTH} deep", "write it flatter", line)
        is_alias = isinstance(event, yaml.AliasEvent)
        before = self._repeated
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        if node is None:
            return None
        if not is_alias:
            self._sizes[node] = 1 + sum(self._sizes[part] for part in _parts(node))
            return node
        if node not in self._sizes:
            raise _Fault("it contains itself", "write out what is meant in place of the alias", line)
        self._repeated = before + self._sizes[node]
        if self._repeated > MOST_REPEATED:
            raise _Fault(f"its aliases repeat more than {MOST_REPEATED:,} values", "write it out", line)
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Read a map, of which no key may be there twice: all but the last would be lost."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _Fault(
                    "a list or a map stands for the name of a field",
                    "write a name; what begins with { or [ and is text needs quotes",
                    key.start_mark.line + 1,
                )
            if (key.tag, key.value) in seen:
                line, fix = key.start_mark.line + 1, "take one of them out"
                raise _Fault("a key is there twice in one map", fix, line, _shown(key.value))
            seen.add((key.tag, key.value))
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Make the value of a node; of text that only looks like one it says where it stands."""
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            line, shown = node.start_mark.line + 1, _shown(str(node.value))
            raise _Fault("what looks like a number is none", "put it in quotes", line, shown) from error


def _parts(node: yaml.Node) -> Iterator[yaml.Node]:
    """The nodes right in a node."""
    match node:
        case yaml.MappingNode(value=pairs):
            yield from itertools.chain.from_iterable(pairs)
        case yaml.SequenceNode(value=items):
            yield from items


def _shown(text: str) -> str:
    return json.dumps(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…", ensure_ascii=False)


_TAG = "tag:yaml.org,2002:"
_KINDS = [None, *(f"{_TAG}{kind}" for kind in ("null", "bool", "int", "float", "str", "seq", "map"))]
"""What JSON has too; other tags of YAML's own are refused."""
_Loader.yaml_constructors = {kind: yaml.SafeLoader.yaml_constructors[kind] for kind in _KINDS}
_Loader.yaml_implicit_resolvers = {}


def _of_a_local_tag(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    """What stands after a tag of somebody's own, such as ``!Ref``, is what it is; a scalar is text."""
    match node:
        case yaml.MappingNode():
            return loader.construct_mapping(node, deep=True)
        case yaml.SequenceNode():
            return loader.construct_sequence(node, deep=True)
    return node.value


_Loader.add_multi_constructor("!", _of_a_local_tag)
# What scalars without quotes are to Kubernetes (sigs.k8s.io/yaml, which reads YAML 1.1 as go-yaml does): a
# date is a string, and so are 1:30 and =; y is true; 1e3 and 08 are numbers.
for _kind, _pattern, _first in (
    (
        "bool",
        r"y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON|n|N|no|No|NO|false|False|FALSE|off|Off|OFF",
        "yYnNtTfFoO",
    ),
    ("int", r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"{_TAG}{_kind}", re.compile(f"^(?:{_pattern})$"), list(_first))
_Loader.bool_values = {**yaml.SafeLoader.bool_values, "y": True, "n": False}


class Dumper(yaml.SafeDumper):
    """Writes YAML that Kubernetes reads as it was meant: what would be something else there is in quotes."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers
