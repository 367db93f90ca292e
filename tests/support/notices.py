"""Notices and receivers for tests."""

from __future__ import annotations

from typing import Any

from bandit_operator.adapters.notices import Notice, NoticeKind
from bandit_operator.adapters.webhooks import Webhook

TOKEN = "s3cret-token"
"""What nobody may be shown."""


def notice(
    number: int = 0, kind: NoticeKind = NoticeKind.ROLLED_BACK, message: str = "it is worse"
) -> Notice:
    """One notice."""
    return Notice(
        id=f"2c1b.{number}.0",
        time="2026-01-31T03:00:00.000Z",
        source="/apis/bandit-operator.dev/v1alpha1/namespaces/models/banditdeployments/income",
        namespace="models",
        name="income",
        kind=kind,
        reason="WorseThanBaseline",
        message=message,
        warning=True,
    )


def webhook(**fields: Any) -> Webhook:
    """A receiver, as a file would name it."""
    return Webhook.model_validate({"name": "sink", "url": f"https://sink.example.com/{TOKEN}", **fields})
