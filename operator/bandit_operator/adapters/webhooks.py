"""Notices to webhooks: who is told what, and one attempt to tell them.

The addresses and headers are secrets, as Slack's are: they are shown by no message, log line or repr,
and files that hold them are read again for each attempt, because what is in them may be replaced.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from bandit_operator.adapters.access import Origin, further_headers
from bandit_operator.adapters.documents import Unreadable, document_in
from bandit_operator.adapters.notices import FORMATS, Format, Notice, NoticeKind
from bandit_operator.adapters.prometheus import cause

DEADLINE = 5.0
"""Longest that one attempt may take, seconds."""
MOST_WEBHOOKS = 20
LONGEST_FILE = 65_536
"""Most bytes of a file of settings or secrets."""
_SET_HERE = frozenset({"connection", "content-length", "content-type", "host", "transfer-encoding"})
_INSIDE = (".svc", ".svc.cluster.local", ".localhost")
"""Ends of names that do not leave the cluster, or the machine."""


class Delivery(StrEnum):
    """What became of one attempt."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """It would be refused again."""
    FAILED = "failed"
    """Another attempt may succeed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one attempt, and in which words that may be logged."""

    delivery: Delivery
    words: str = ""


class Webhook(BaseModel):
    """One receiver."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    name: Annotated[str, Field(max_length=63, pattern=r"^[\w. -]*$")] = ""
    """What logs call it."""
    url: SecretStr | None = None
    url_file: Path | None = None
    """A file with the address, in place of ``url``; relative to the file of the settings."""
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    headers_file: Path | None = None
    """A file with further headers, as an object in JSON or YAML."""
    kinds: frozenset[NoticeKind] = frozenset(NoticeKind)
    format: Format = Format.CLOUDEVENTS

    @model_validator(mode="after")
    def _can_be_used(self) -> Webhook:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("it must have one of url and urlFile")
        if self.url is not None:
            _checked(self.url.get_secret_value())
        _headers({name: value.get_secret_value() for name, value in self.headers.items()})
        return self

    def address(self) -> str:
        """Where it is.

        Raises:
            ValueError: There is no address that may be used; the message does not repeat it.
            OSError: Its file cannot be read.
        """
        if self.url is not None:
            return self.url.get_secret_value()
        assert self.url_file is not None  # the validator has seen to it
        return _checked(_text_of(self.url_file).strip())

    def sent_headers(self) -> dict[str, str]:
        """The headers beside those that every notice has.

        Raises:
            ValueError: One cannot be sent; the message has its name, and not its value.
            OSError: Their file cannot be read.
        """
        named = {name: value.get_secret_value() for name, value in self.headers.items()}
        if self.headers_file is not None:
            named |= _headers(document_in(self.headers_file, LONGEST_FILE, secret=True))
        return named


def webhooks_in(file: Path) -> tuple[Webhook, ...]:
    """The receivers that a file names: a list in YAML or JSON.

    Raises:
        ValueError: It cannot be used; the message names the field, and repeats no value.
    """
    try:
        listed = document_in(file, LONGEST_FILE, secret=True)
        found = _WEBHOOKS.validate_python(listed)
    except Unreadable as error:
        raise ValueError(f"the file of webhooks cannot be used: {error}") from None
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise ValueError(f"the file of webhooks cannot be used: {_sentence(fault)}") from None
    return tuple(_placed(one, number, file.parent) for number, one in enumerate(found, 1))


_WEBHOOKS = TypeAdapter(
    Annotated[list[Webhook], Field(max_length=MOST_WEBHOOKS)], config=ConfigDict(hide_input_in_errors=True)
)


_FIXES = {
    "dict_type": "write a map, {NAME: …}",
    "extra_forbidden": "there is no such field; take it out",
    "frozen_set_type": "write a list",
    "list_type": 'write a list, in which each item begins with "- "',
    "model_type": "write its fields, at least url or urlFile",
    "string_type": "write it in quotes",
}


def _sentence(fault: Mapping[str, Any]) -> str:
    """Field and fix, without the value, which may be a secret."""
    number, *inside = fault["loc"] or [None]
    place = "the whole" if number is None else f"webhook {number + 1}"
    message = str(fault["msg"]).removeprefix("Value error, ").replace("Input should", "it should")
    return f"{'.'.join(map(str, (place, *inside)))}: {_FIXES.get(fault['type'], message)}"


def _placed(webhook: Webhook, number: int, folder: Path) -> Webhook:
    """With a name, and with files found from the folder of the settings.

    Raises:
        ValueError: There is no such file.
    """
    files = {"url_file": webhook.url_file, "headers_file": webhook.headers_file}
    placed = {field: folder / file for field, file in files.items() if file is not None}
    for field, file in placed.items():
        if not file.is_file():
            raise ValueError(
                f"the file of webhooks cannot be used: webhook {number}.{to_camel(field)}: there is no file "
                f"{file.name} beside it; add that key to the Secret, or name another"
            )
    return webhook.model_copy(update={"name": webhook.name or f"webhook {number}", **placed})


def _text_of(file: Path) -> str:
    with file.open("rb") as opened:
        data = opened.read(LONGEST_FILE + 1)
    if len(data) > LONGEST_FILE:
        raise ValueError(f"{file.name} is longer than {LONGEST_FILE} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{file.name} is no text in UTF-8") from None


def _headers(named: object) -> dict[str, str]:
    if not isinstance(named, Mapping) or not all(isinstance(name, str) for name in named):
        raise ValueError("headers are no object of texts by name")
    return further_headers(named, _SET_HERE)


def _checked(address: str) -> str:
    """An address that may be told: by https, or without leaving the cluster.

    Raises:
        ValueError: It may not.
    """
    try:
        origin = Origin.of(address)
    except ValueError:
        raise ValueError("the url is no http or https address without a user") from None
    if origin.scheme == "http" and not _is_inside(origin.host):
        raise ValueError("the url must be https, or lead to a Service (NAME.NAMESPACE.svc) or to loopback")
    return address


def _is_inside(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(_INSIDE)


class Webhooks:
    """Makes attempts, each with one deadline for all that it takes; follows no redirect."""

    def __init__(self, deadline: float = DEADLINE) -> None:
        self._deadline = deadline
        self._session: aiohttp.ClientSession | None = None

    async def post(self, webhook: Webhook, notice: Notice) -> Answer:
        """Tell one receiver of one notice, once."""
        content_type, body = FORMATS[webhook.format](notice)
        try:
            url, headers = webhook.address(), {**webhook.sent_headers(), "Content-Type": content_type}
        except OSError as error:
            return Answer(Delivery.FAILED, f"a file of its settings cannot be read: {error.strerror}")
        except ValueError as error:
            return Answer(Delivery.FAILED, str(error))
        try:
            async with asyncio.timeout(self._deadline):
                status = await self._status(url, headers, body)
        except TimeoutError:
            return Answer(Delivery.FAILED, f"it gave no answer in {self._deadline:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(Delivery.FAILED, cause(error))
        if 200 <= status < 300:
            return Answer(Delivery.DELIVERED)
        again = status in (408, 425, 429) or status >= 500
        return Answer(Delivery.FAILED if again else Delivery.REFUSED, f"it answered {status}")

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def _status(self, url: str, headers: dict[str, str], body: str) -> int:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),  # the deadline is ours
            )
        async with self._session.post(
            url, headers=headers, data=body.encode(), allow_redirects=False
        ) as answer:
            return answer.status
