"""Files in YAML and JSON that people wrote: what is read, and what is said of those that cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bandit_operator.adapters.documents import MOST_DEPTH, Dumper, Unreadable, document_in, documents_in

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]\n" for at in range(1, 10)
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "income.yaml"


def wrote(file: Path, content: str | bytes) -> Path:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("a: 1", [{"a": 1}]),
        ('{"a": 1}', [{"a": 1}]),
        ("a: 1\n---\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
        ("", []),
        ("a: 2026-01-31\nb: 2026-13-45", [{"a": "2026-01-31", "b": "2026-13-45"}]),
        ("a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}", [{"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1, "e": 2}}]),
        ("a: &x {b: 1}\nd: {<<: *x, b: 2}", [{"a": {"b": 1}, "d": {"b": 2}}]),
        ('a: 1\n"1": b\n1: c', [{"a": 1, "1": "b", 1: "c"}]),
        ("a: 1".encode("utf-16"), [{"a": 1}]),
        ("\N{BYTE ORDER MARK}a: ä".encode("utf-16-be"), [{"a": "ä"}]),
        ("\N{BYTE ORDER MARK}{}".encode(), [{}]),
        ("[NaN]", [["NaN"]]),
    ],
    ids=str,
)
def test_documents_are_read_as_kubernetes_takes_them(
    file: Path, content: str | bytes, found: list[Any]
) -> None:
    assert documents_in(wrote(file, content)) == found


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("y", True),
        ("N", False),
        ("On", True),
        ("no", False),
        ("yEs", "yEs"),
        ("12e5", 1.2e6),
        ("7E2", 700.0),
        ("1e-3", 0.001),
        ("1:30", "1:30"),
        ("0o17", 15),
        ("017", 15),
        ("08", 8),
        ("0x1F", 31),
        ("0b11", 3),
        ("1_000", 1000),
        ("0", 0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.inf", float("-inf")),
        ("=", "="),
        ("~", None),
        ("v1.2.0", "v1.2.0"),
        ("1.2.0", "1.2.0"),
        ("30s", "30s"),
    ],
)
def test_a_scalar_without_quotes_is_what_kubectl_makes_of_it(file: Path, written: str, read: Any) -> None:
    (found,) = documents_in(wrote(file, f"a: {written}"))
    assert (found["a"], type(found["a"]) is bool) == (read, type(read) is bool)


@pytest.mark.parametrize(
    ("written", "read"),
    [("!Ref name", "name"), ("!Ref 5", "5"), ("! 5", 5), ("!a [1, !b {c: x}]", [1, {"c": "x"}])],
)
def test_what_stands_after_a_tag_of_somebodys_own_is_read_as_kubectl_does(
    file: Path, written: str, read: Any
) -> None:
    assert document_in(wrote(file, f"a: {written}")) == {"a": read}


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text("aé 1-:eyn08.=~x_"),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab1", max_size=3), inner),
        max_leaves=20,
    )
)
def test_what_was_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    file = tmp_path_factory.mktemp("documents") / "any"
    for text in (json.dumps(value), yaml.dump(value, Dumper=Dumper)):
        assert document_in(wrote(file, text)) == value


FAULTS: list[tuple[str, str | bytes, str]] = [
    ("a key twice", "a: 1\nb:\n  c: 2\n  c: 3", 'line 4: a key is there twice in one map ("c"); take one'),
    ("a key twice in JSON", '{"a": {\n"b": 1,\n"b": 2}}', 'line 3: a key is there twice in one map ("b")'),
    ("no text", b"\x89PNG\r\n\x1a\n\xff", "it is no text in UTF-8; save it as UTF-8"),
    ("a character of no text", b"a: 1\nb: \x00", "line 2: it is neither YAML nor JSON, but has a character"),
    ("half of UTF-16", "a".encode("utf-16") + b"\x00", "it is no text in UTF-8"),
    ("5,000 brackets", "[" * 5000, f"line 1: it is nested more than {MOST_DEPTH} deep; write it flatter"),
    ("deep JSON", "[" * 500 + "]" * 500, f"line 1: it is nested more than {MOST_DEPTH} deep"),
    ("deep blocks", "".join(f"{' ' * at}a:\n" for at in range(200)), "nested more than"),
    ("a long number", "a: " + "1" * 5000, 'line 1: what looks like a number is none ("11111'),
    ("a document with itself", "&a [*a]", "line 1: it contains itself; write out what is meant"),
    ("a map with itself", "a: 1\nb: &a\n  c: *a", "line 3: it contains itself"),
    ("a bomb of aliases", BOMB, "its aliases repeat more than 10,000 values; write it out"),
    ("no YAML", "a: [", "line 1: it is neither YAML nor JSON ("),
    ("an alias of nothing", "a: 1\nb: *c", "line 2: it is neither YAML nor JSON (found undefined alias"),
    ("a tag", "a: !!set {b}", "line 1: it is neither YAML nor JSON (could not determine a constructor"),
    ("Python", "!!python/object/apply:os.getcwd []", "line 1: it is neither YAML nor JSON"),
    ("a map as a key", "a: {{b}}", "line 1: a list or a map stands for the name of a field; write a name"),
]


@pytest.mark.parametrize(("content", "said"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS])
def test_what_cannot_be_read_is_told_in_one_line_by_file_line_and_fix(
    file: Path, content: str | bytes, said: str
) -> None:
    with pytest.raises(Unreadable) as raised:
        documents_in(wrote(file, content))
    assert str(raised.value).startswith(f"{file}: {said}" if said[:4] in ("line", "it i") else f"{file}: ")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_or_too_long_is_told_of(file: Path) -> None:
    with pytest.raises(Unreadable, match="it cannot be read: No such file or directory; name"):
        documents_in(file)
    with pytest.raises(Unreadable, match="it is longer than 3 bytes; name a shorter file"):
        documents_in(wrote(file, "abcd"), 3)
    with pytest.raises(Unreadable, match="it has 2 documents; leave one"):
        document_in(wrote(file, "a\n---\nb"))


@pytest.mark.parametrize("content", ["a: 1\ntoken: 2\ntoken: 3", "token: *token", "a: !!token b", "token: ["])
def test_of_a_file_with_secrets_nothing_is_repeated(file: Path, content: str) -> None:
    with pytest.raises(Unreadable, match="line") as raised:
        documents_in(wrote(file, content), secret=True)
    assert "token" not in str(raised.value).removeprefix(str(file))
