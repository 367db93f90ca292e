"""What is kept of a copy: headers, address, id, and which are taken."""

from __future__ import annotations

import pytest

from bandit_serving.shadow.copies import (
    MOST_ID_CHARACTERS,
    Dropped,
    check_id,
    id_in,
    passed_on,
    sampled,
    target_of,
)


def test_headers_of_the_connection_are_left_behind_and_the_others_passed_on() -> None:
    came = {
        b"host": b"shop.example-shadow",
        b"connection": b"keep-alive, X-Hop",
        b"x-hop": b"1",
        b"content-length": b"3",
        b"transfer-encoding": b"chunked",
        b"accept-encoding": b"br",
        b"authorization": b"Bearer me",
        b"content-type": b"application/json",
        b"x-name": "Zoë".encode(),
        b"x-latin": b"Zo\xeb",
    }
    assert dict(passed_on(came.items())) == {
        "authorization": "Bearer me",
        "content-type": "application/json",
        "x-name": "Zoë",
        "X-Bandit-Shadow": "true",
    }


@pytest.mark.parametrize(
    ("came", "request_id"),
    [
        ([(b"x-request-id", b"7f3a")], "7f3a"),
        ([(b"x-request-id", "Zoë-雪".encode())], "Zoë-雪"),
        ([(b"x-request-id", b"Zo\xeb")], "Zoë"),
        ([(b"x-other", b"1"), (b"x-request-id", b"2"), (b"x-request-id", b"3")], "2"),
        ([(b"x-other", b"1")], None),
    ],
)
def test_an_id_in_a_header_is_read_as_its_label_will_have_it(
    came: list[tuple[bytes, bytes]], request_id: str | None
) -> None:
    assert id_in(came, "X-Request-ID") == request_id


def test_a_header_that_came_twice_is_passed_on_twice() -> None:
    sent = passed_on([(b"cookie", b"a=1"), (b"cookie", b"b=2")])
    assert sent[:2] == [("cookie", "a=1"), ("cookie", "b=2")]


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        (b"/v2/models/a%20b/infer", b"", "/v2/models/a%20b/infer"),
        (b"/predict", b"a=1&b=%26", "/predict?a=1&b=%26"),
        (b"@elsewhere:80/x", b"", "/@elsewhere:80/x"),
        (b"/\xc3\xab", b"q=\xff", "/%C3%AB?q=%FF"),
    ],
)
def test_path_and_query_stay_as_they_came_and_never_name_another_host(
    path: bytes, query: bytes, target: str
) -> None:
    assert target_of(path, query) == target


@pytest.mark.parametrize(
    ("value", "reason", "message"),
    [
        (None, "no_id", "no id, so no label could ever be joined; send one in the header X"),
        ("", "bad_id", "is not a string of 1 to 256 characters"),
        ("x" * (MOST_ID_CHARACTERS + 1), "bad_id", "the id has 241 characters; send at most 240"),
        ("a\0", "bad_id", "has characters that no database takes"),
    ],
)
def test_an_id_that_no_label_could_come_with_is_told(value: str | None, reason: str, message: str) -> None:
    with pytest.raises(Dropped, match=message) as caught:
        check_id(value, "the header X")
    assert caught.value.reason == reason


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_share_of_the_ids_is_drawn_and_a_larger_share_draws_the_same_and_more(share: float) -> None:
    ids = [f"request-{i}" for i in range(10_000)]
    drawn = {one for one in ids if sampled(one, share)}
    assert len(drawn) / len(ids) == pytest.approx(share, abs=0.015)
    assert drawn < {one for one in ids if sampled(one, share + 0.2)}
    assert all(sampled(one, 1.0) for one in ids)
