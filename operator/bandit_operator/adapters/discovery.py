"""What a Prometheus server has: names of metrics and values of labels, for messages about what is missing.

Asked rarely and never on the way of a decision, so by the synchronous ``prometheus-api-client`` in a few
threads; bounded in time, in size and in who is asked like ``adapters.prometheus``.
"""

from __future__ import annotations

import asyncio
import io
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import quote

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from bandit_operator.adapters.access import Access, shown
from bandit_operator.adapters.answers import MOST_BYTES
from bandit_operator.core.model import SourceDown
from bandit_operator.sources.missing import Lookup

WORKERS: Final = 2
"""Servers that are asked at the same time; while they are busy, nothing is looked for."""
LONGEST_WAIT = 3.0
"""Longest time for all that one message needs, seconds."""
LOOK_BACK: Final = 3600.0
"""How far back series are looked for, seconds."""
_CHUNK = 65_536

Answer = TypeVar("Answer")


class Discovery:
    """Looks up what there is.

    Args:
        access: Who may be asked, and who gets the token.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="prometheus-discovery")
        self._busy = 0

    @property
    def busy(self) -> bool:
        """Whether what is asked now would not be looked for."""
        return self._busy >= WORKERS

    async def ask(self, address: str, at: float, read: Callable[[Lookup], Answer]) -> Answer | None:
        """What is read of a server at a time, or None where it cannot be had now."""
        headers = self._access.refusal(address) or self._access.headers(address)
        if isinstance(headers, SourceDown) or self.busy:
            return None
        lookup = _Lookup(address, headers, at - LOOK_BACK, at, time.monotonic() + LONGEST_WAIT)
        self._busy += 1
        answer = asyncio.get_running_loop().run_in_executor(self._workers, _answered, lookup, read)
        answer.add_done_callback(self._done)
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                return await asyncio.shield(answer)
        except TimeoutError:
            return None

    def close(self) -> None:
        """Let go of the threads without waiting for answers that may never come."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _done(self, _: object) -> None:
        self._busy -= 1


def _answered(lookup: _Lookup, read: Callable[[Lookup], Answer]) -> Answer | None:
    try:
        return read(lookup)
    except (PrometheusApiClientException, requests.exceptions.RequestException, HTTPError):
        return None
    except (LookupError, OSError, RecursionError, TypeError, ValueError):
        return None  # an answer that is none, or a selector that the parser cannot read
    finally:
        lookup.close()


class _Session(requests.Session):
    """Answers of a bounded size, no redirects, nothing from the environment or the network's settings."""

    def __init__(self, until: float) -> None:
        super().__init__()
        self._until = until
        self.trust_env = False
        self.verify = ssl.get_default_verify_paths().cafile or True
        self.headers["Accept-Encoding"] = "identity"

    def request(self, *arguments: Any, **options: Any) -> requests.Response:
        """One request, whose answer has been read."""
        answer = super().request(*arguments, **{**options, "allow_redirects": False, "stream": True})
        body = bytearray()
        while chunk := answer.raw.read1(_CHUNK, decode_content=False):
            body += chunk
            if len(body) > MOST_BYTES or time.monotonic() > self._until:
                answer.close()
                raise requests.exceptions.ContentDecodingError("too long")
        answer.raw = io.BytesIO(body)
        return answer


@dataclass
class _Lookup:
    address: str
    headers: dict[str, str]
    start: float
    end: float
    until: float

    def __post_init__(self) -> None:
        self._session = _Session(self.until)
        self._server = PrometheusConnect(
            self.address.rstrip("/"),
            headers=self.headers or None,
            retry=Retry(total=0),
            session=self._session,
            timeout=LONGEST_WAIT,
        )

    def values(self, label: str, match: str | None) -> list[str]:
        """Values of a label on the series of a selector, or of all."""
        return _texts(self._server.get_label_values(quote(label, safe=""), self._parameters(match)))

    def labels(self, match: str) -> list[str]:
        """Names of the labels on the series of a selector."""
        return _texts(self._server.get_label_names(self._parameters(match)))

    def close(self) -> None:
        self._server.close()

    def _parameters(self, match: str | None) -> dict[str, str]:
        if time.monotonic() > self.until:
            raise TimeoutError
        chosen = {} if match is None else {"match[]": match}
        return {"start": f"{self.start:.3f}", "end": f"{self.end:.3f}", **chosen}


def _texts(data: Any) -> list[str]:
    if not isinstance(data, list) or not all(isinstance(one, str) for one in data):
        raise TypeError("no list of texts")
    return [shown(one) for one in data]
