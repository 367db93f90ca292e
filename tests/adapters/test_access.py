"""Which addresses may be asked, and what of the token is ever shown."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from bandit_operator.adapters.access import Access, Origin, further_headers
from bandit_operator.core.model import SourceDown

INSTALLED = "http://prometheus.monitoring:9090"


@pytest.mark.parametrize(
    ("address", "same"),
    [
        (f"{INSTALLED}/tenant", True),
        ("http://PROMETHEUS.monitoring.:9090", True),
        ("https://prometheus.monitoring:9090", False),
        ("http://prometheus.monitoring", False),
        ("http://prometheus.monitoring.evil:9090", False),
        ("http://prometheus.monitoring:9090@evil", False),
        ("http://prometheus.monitoring:90900", False),
        ("http://127.0.0.1:8080", False),
    ],
)
def test_only_the_same_scheme_host_and_port_are_the_installed_address(
    tmp_path: Path, address: str, same: bool
) -> None:
    token = tmp_path / "token"
    token.write_text("x")
    access = Access(Origin.of(INSTALLED), frozenset(), token)
    assert (access.refusal(address) is None) == same


def test_an_allowed_address_may_be_asked_and_gets_no_token(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("x")
    other = "https://thanos.example.com:443"
    access = Access(Origin.of(INSTALLED), frozenset({Origin.exactly(other)}), token)
    assert access.refusal("https://thanos.example.com/path") is None
    assert access.headers(other) == {}
    assert access.headers(INSTALLED) == {"Authorization": "Bearer x"}


@pytest.mark.parametrize(
    "entry", ["http://a", "http://a:1/", "http://a:1/x", "a:1", "http://a:1?x", "*", "http://u@a:1"]
)
def test_an_entry_that_is_not_written_out_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=r"it (must|is)"):
        Origin.exactly(entry)


@pytest.mark.parametrize(
    "content", [b"", b"secret-1\nsecret-2", b"secret 1", b"secret\x00", "sécret".encode(), b"\xff"]
)
def test_a_token_that_cannot_be_sent_is_refused_and_not_shown(tmp_path: Path, content: Any) -> None:
    token = tmp_path / "token"
    token.write_bytes(content)
    down = Access(Origin.of(INSTALLED), frozenset(), token).headers(INSTALLED)
    assert isinstance(down, SourceDown)
    assert "secret" not in down.message
    assert "cret" not in down.message.replace("Secret", "")


def test_a_token_that_was_replaced_is_used(tmp_path: Path) -> None:
    token = tmp_path / "token"
    access = Access(Origin.of(INSTALLED), frozenset(), token)
    token.write_text("one\n")
    first = access.headers(INSTALLED)
    token.write_text("two")
    assert (first, access.headers(INSTALLED)) == (
        {"Authorization": "Bearer one"},
        {"Authorization": "Bearer two"},
    )


def test_user_name_password_and_headers_go_to_the_installed_address_only(tmp_path: Path) -> None:
    (tmp_path / "username").write_text("models\n")
    (tmp_path / "password").write_text("pass wörd:1\n")
    other = "https://thanos.example.com:443"
    access = Access(
        Origin.of(INSTALLED),
        frozenset({Origin.exactly(other)}),
        basic_auth=tmp_path,
        further=further_headers({"X-Scope-OrgID": "models|fraud"}),
    )
    sent = access.headers(INSTALLED)
    assert isinstance(sent, dict)
    kind, _, encoded = sent["Authorization"].partition(" ")
    assert (kind, base64.b64decode(encoded).decode()) == ("Basic", "models:pass wörd:1")
    assert sent["X-Scope-OrgID"] == "models|fraud"
    assert access.headers(other) == {}
    assert "fraud" not in repr(access)


@pytest.mark.parametrize(
    ("username", "password"),
    [("secret:x", "y"), ("x", "sec\nret"), ("", "secret"), ("x", None), (None, "secret")],
)
def test_a_password_that_cannot_be_sent_is_refused_and_not_shown(
    tmp_path: Path, username: str | None, password: str | None
) -> None:
    for name, text in (("username", username), ("password", password)):
        if text is not None:
            (tmp_path / name).write_text(text)
    down = Access(Origin.of(INSTALLED), basic_auth=tmp_path).headers(INSTALLED)
    assert isinstance(down, SourceDown)
    assert "prometheus.basicAuth" in down.message
    assert "sec" not in down.message


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "secret"},
        {"host": "secret"},
        {"X Y": "secret"},
        {"": "secret"},
        {"X": "secret\r\nY: 1"},
        {"X": "sécret"},
        {"X": 1},
    ],
)
def test_a_header_that_cannot_be_sent_is_refused_and_its_value_not_shown(headers: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="header") as refused:
        further_headers(headers)
    assert "cret" not in str(refused.value)
