"""docs/notifications.md shows a list that works, and what is sent."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from bandit_operator.adapters.notices import FORMATS, Format, NoticeKind
from bandit_operator.adapters.webhooks import Webhook, webhooks_in
from tests.support.notices import notice

PAGE = Path("docs/notifications.md").read_text(encoding="utf-8")
[SECRET] = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL))
SLACK, EVENT = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL))


def rows(heading: str) -> list[str]:
    """The words in the first column of a table."""
    table = PAGE.split(f"| {heading} | ")[1].split("\n\n")[0]
    return [
        word
        for cell in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
        for word in re.findall(r"\w+", cell)
    ]


def test_its_list_can_be_used(tmp_path: Path) -> None:
    for key, text in SECRET["stringData"].items():
        (tmp_path / key).write_text(text)
    slack, broker, pager = webhooks_in(tmp_path / "config.yaml")
    assert slack.address() == SECRET["stringData"]["slack-url"]
    assert slack.format is Format.SLACK
    assert broker.kinds == set(NoticeKind)
    assert pager.sent_headers() == {"Authorization": "Bearer TOKEN"}


def test_it_names_every_kind_and_every_field() -> None:
    assert set(rows("kind")) == set(NoticeKind)
    assert set(rows("field")) == {field.alias or name for name, field in Webhook.model_fields.items()}


def test_what_it_shows_is_written_like_what_is_sent() -> None:
    sent = json.loads(FORMATS[Format.CLOUDEVENTS](notice())[1])
    assert list(EVENT) == list(sent)
    assert list(EVENT["data"]) == list(sent["data"])
    assert {EVENT[name] == sent[name] for name in ("specversion", "source", "type", "subject")} == {True}
    assert list(SLACK) == list(json.loads(FORMATS[Format.SLACK](notice())[1]))


def test_its_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", PAGE) if not link.startswith("https://")]
    assert links
    assert [link for link in links if not (Path("docs") / link).exists()] == []
