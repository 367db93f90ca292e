"""Webhooks: what is sent, to whom, and what is never shown; receivers are real servers on loopback."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from bandit_operator.adapters.notices import FORMATS, Format, NoticeKind
from bandit_operator.adapters.webhooks import Delivery, Webhooks, webhooks_in
from tests.support.notices import TOKEN, notice, webhook
from tests.support.servers import Recording, answering, server, trickle


@pytest.fixture
async def webhooks() -> AsyncIterator[Webhooks]:
    client = Webhooks(deadline=0.5)
    yield client
    await client.close()


def written(folder: Path, listed: object) -> Path:
    file = folder / "config.yaml"
    file.write_text(listed if isinstance(listed, str) else yaml.safe_dump(listed))
    return file


async def test_a_cloudevent_has_what_version_1_0_asks_for(webhooks: Webhooks) -> None:
    receiver = Recording()
    async with server(receiver) as address:
        answer = await webhooks.post(webhook(url=address, headers={"Authorization": TOKEN}), notice())
    assert answer.delivery is Delivery.DELIVERED
    [(method, head, body)] = receiver.requests
    assert method == "POST"
    assert "Content-Type: application/cloudevents+json; charset=utf-8\r\n" in head
    assert f"Authorization: {TOKEN}\r\n" in head
    event = json.loads(body)
    assert {name: event[name] for name in ("specversion", "id", "type", "subject", "time")} == {
        "specversion": "1.0",
        "id": "2c1b.0.0",
        "type": "dev.bandit-operator.RolledBack",
        "subject": "models/income",
        "time": "2026-01-31T03:00:00.000Z",
    }
    assert event["source"].endswith("/namespaces/models/banditdeployments/income")
    assert all(name.islower() and name.isalnum() for name in event)
    assert event["data"]["reason"] == "WorseThanBaseline"


async def test_in_a_message_for_slack_the_words_of_others_mention_nobody(
    webhooks: Webhooks,
) -> None:
    receiver = Recording()
    async with server(receiver) as address:
        await webhooks.post(webhook(url=address, format="slack"), notice(message="<!channel> & co"))
    [(_, head, body)] = receiver.requests
    assert "Content-Type: application/json" in head
    assert json.loads(body) == {"text": "*models/income* WorseThanBaseline: &lt;!channel&gt; &amp; co"}


def test_every_format_that_may_be_named_is_one_that_is_written() -> None:
    assert set(FORMATS) == set(Format)


@pytest.mark.parametrize(
    ("status", "delivery"),
    [
        ("204 No Content", Delivery.DELIVERED),
        ("302 Found", Delivery.REFUSED),
        ("404 Not Found", Delivery.REFUSED),
        ("429 Too Many Requests", Delivery.FAILED),
        ("503 Service Unavailable", Delivery.FAILED),
    ],
)
async def test_an_answer_says_whether_another_attempt_may_succeed(
    webhooks: Webhooks, status: str, delivery: Delivery
) -> None:
    elsewhere = Recording()
    async with server(elsewhere) as other, server(answering("", status, f"Location: {other}")) as address:
        answer = await webhooks.post(webhook(url=address), notice())
    assert answer.delivery is delivery
    assert elsewhere.requests == [], "a redirect was followed"


async def test_a_receiver_that_is_slow_or_away_is_given_up_at_the_deadline(webhooks: Webhooks) -> None:
    async with server(trickle) as address:
        slow = await webhooks.post(webhook(url=f"{address}/{TOKEN}"), notice())
    away = await webhooks.post(webhook(url=f"{address}/{TOKEN}"), notice())
    assert slow.words == "it gave no answer in 0.5 s"
    assert away.words == "Connection refused"
    assert slow.delivery is away.delivery is Delivery.FAILED


async def test_secrets_come_from_files_that_are_read_again_for_each_attempt(
    webhooks: Webhooks, tmp_path: Path
) -> None:
    file = written(tmp_path, [{"urlFile": "url", "headersFile": "headers"}])
    for name in ("url", "headers"):
        (tmp_path / name).touch()
    [one] = webhooks_in(file)
    (tmp_path / "url").unlink()
    receiver = Recording()
    async with server(receiver) as address:
        missing = await webhooks.post(one, notice())
        (tmp_path / "url").write_text(f"{address}\n")
        for token in ("first", "second"):
            (tmp_path / "headers").write_text(json.dumps({"Authorization": token}))
            await webhooks.post(one, notice())
    assert missing.words == "a file of its settings cannot be read: No such file or directory"
    heads = [head for _, head, _ in receiver.requests]
    assert ["Authorization: first\r\n" in head for head in heads] == [True, False]
    assert "Authorization: second\r\n" in heads[1]


@pytest.mark.parametrize(
    ("text", "says"),
    [(f"ftp://{TOKEN}", "no http or https address"), (f"http://{TOKEN}.example.com", "must be https")],
)
async def test_an_address_from_a_file_is_held_to_the_same_rules(
    webhooks: Webhooks, tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "url").write_text(text)
    [one] = webhooks_in(written(tmp_path, [{"urlFile": "url"}]))
    answer = await webhooks.post(one, notice())
    assert says in answer.words
    assert TOKEN not in answer.words


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/services",
        "http://sink.events.svc:8080/",
        "http://sink.events.svc.cluster.local/",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "http://localhost:8080",
    ],
)
def test_https_and_what_does_not_leave_the_cluster_may_be_told(tmp_path: Path, url: str) -> None:
    [one] = webhooks_in(written(tmp_path, [{"url": url}]))
    assert one.address() == url
    assert one.kinds == set(NoticeKind)
    assert one.format is Format.CLOUDEVENTS


@pytest.mark.parametrize(
    ("listed", "says"),
    [
        (
            [{"urlFile": "uri"}],
            "webhook 1.urlFile: there is no file uri beside it; add that key to the Secret",
        ),
        ([{"url": "https://a", "headersFile": "no"}], "webhook 1.headersFile: there is no file no beside it"),
        ({"url": TOKEN}, 'the whole: write a list, in which each item begins with "- "'),
        ([TOKEN], "webhook 1: write its fields, at least url or urlFile"),
        ([{"url": "https://a", "headers": TOKEN}], "webhook 1.headers: write a map, {NAME: …}"),
        ([{"url": "https://a"}, {"url": "https://b", "kinds": "All"}], "webhook 2.kinds: write a list"),
        ([{"url": "https://a", "colour": TOKEN}], "webhook 1.colour: there is no such field; take it out"),
        ([{"url": "https://a", "kinds": [TOKEN]}], "webhook 1.kinds.0: it should be 'ByHand', "),
        ([{"url": f"https://a\n{TOKEN}"}], "webhook 1: the url is no http or https address"),
        ([{"url": f"http://{TOKEN}.example.com"}], "must be https"),
        ([{"url": f"http://10.0.0.1/{TOKEN}"}], "must be https"),
        ([{"url": f"https://me:{TOKEN}@example.com"}], "without a user"),
        ([{"url": f"https://a/{TOKEN}", "urlFile": "url"}], "one of url and urlFile"),
        ([{"format": "slack"}], "one of url and urlFile"),
        ([{"url": "https://a", "headers": {"Host": TOKEN}}], "'Host' is no header that can be set"),
        ([{"url": "https://a", "headers": {"X-Key": f"{TOKEN}\n"}}], "the value of header X-Key"),
        (
            [{"url": f"https://a/{TOKEN}", "kinds": ["Everything"]}],
            "webhook 1.kinds.0: it should be 'ByHand'",
        ),
        ([{"url": f"https://a/{TOKEN}", "format": "teams"}], "webhook 1.format: it should be"),
        ([{"url": f"https://a/{TOKEN}", "uri": "x"}], "webhook 1.uri: there is no such field"),
        ({"url": f"https://a/{TOKEN}"}, "the whole: write a list"),
        (f"- url: [{TOKEN}", "config.yaml: line 1: it is neither YAML nor JSON; fix that line"),
        (
            f"- {{url: https://a, {TOKEN}: 1, {TOKEN}: 2}}",
            "line 1: a key is there twice in one map;",
        ),
        (f"- !!{TOKEN} x", "line 1: it is neither YAML nor JSON; fix that line"),
        (f"- url: *{TOKEN.partition(' ')[0]}", "line 1: it is neither YAML nor JSON"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_field_and_without_its_values(
    tmp_path: Path, listed: object, says: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(says)) as refused:
        webhooks_in(written(tmp_path, listed))
    assert TOKEN not in str(refused.value)


def test_a_receiver_shows_neither_address_nor_headers() -> None:
    one = webhook(headers={"Authorization": TOKEN})
    assert TOKEN not in f"{one!r} {one}"
    assert TOKEN not in repr(one.model_dump())


def test_receivers_without_a_name_are_numbered(tmp_path: Path) -> None:
    listed = [{"url": "https://a"}, {"url": "https://b", "name": "pager"}, {"url": "https://c"}]
    found = webhooks_in(written(tmp_path, listed))
    assert [one.name for one in found] == ["webhook 1", "pager", "webhook 3"]
