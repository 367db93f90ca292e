"""Option types and error handling that the verbs share."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from bandit_serving.durations import parse_duration
from bandit_serving.errors import BadSetting

Verb = TypeVar("Verb", bound=Callable[..., Any])


class Finite(click.FloatRange):
    """A number within bounds; click's own range lets NaN through, which compares to none, and infinity."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number that was typed."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no number in the range {self._describe_range()}.", param, ctx)
        return number


class Duration(click.ParamType[float]):
    """An option in seconds, written with its unit."""

    name = "duration"

    def __init__(self, *, positive: bool = False) -> None:
        """Take 0 as well, unless there must be some time."""
        self._positive = positive

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        try:
            seconds = float(value) if isinstance(value, int | float) else parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not math.isfinite(seconds):
            self.fail(f"{value!r:.80} is longer than any time; give less, such as 14d", param, ctx)
        if self._positive and not seconds:
            self.fail(f"{value!r} is no time at all; give more than 0, such as 500ms or 14d", param, ctx)
        return seconds


class Factor(click.ParamType[tuple[str, float]]):
    """An option NAME=NUMBER."""

    name = "name=number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        """Return the pair."""
        name, _, number = str(value).rpartition("=")
        try:
            factor = float(number)
        except ValueError:
            factor = math.nan
        if not math.isfinite(factor):
            self.fail(f"{value!r} is not NAME=NUMBER, e.g. 'weeks worked in year=0.0192'", param, ctx)
        return name.strip(), factor


class Name(click.ParamType[str]):
    """An option that is a name as the collector takes it: it would refuse every event of another."""

    name = "name"

    def __init__(self, *, slash: bool = True) -> None:
        """Take names with a slash too, unless they stand in a path or in front of one."""
        self._slash = slash

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name."""
        from bandit_serving.collector.events import check_name  # takes a while to import: not for --help

        try:
            name = check_name("the name", value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not self._slash and "/" in name:
            self.fail(f"{value!r} has a slash; take a name without", param, ctx)
        return name


def _is_url(url: str) -> bool:
    """Return whether requests can be sent to a URL: without a scheme or a host none ever would be."""
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
        named = bool(parts.hostname) and url.isprintable() and " " not in url
        return parts.scheme in ("http", "https") and named and parts.port != 0
    except ValueError:  # a host or a port that is none
        return False


def _below(url: str) -> bool:
    """Return whether a path can be added to a URL."""
    return not {"?", "#"} & set(url)


class URL(click.ParamType[str]):
    """An option that is a URL."""

    name = "url"

    def __init__(self, *, base: bool = True) -> None:
        """Take a URL that paths are added to, or a whole one, which may have a query."""
        self._base = base

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the URL."""
        if not _is_url(value):
            self.fail(f"{value!r} is not a URL, e.g. http://rewards:8081", param, ctx)
        if self._base and not _below(value):
            self.fail(
                f"{value!r} has a query or a fragment; leave them out: paths are added to it", param, ctx
            )
        return str(value)


class Address(click.ParamType[tuple[str, str]]):
    """An option NAME=URL."""

    name = "name=url"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return the pair."""
        name, _, url = str(value).partition("=")
        if not name.strip() or "/" in name or not _is_url(url) or not _below(url):
            self.fail(f"{value!r} is not NAME=URL, e.g. boosting=http://boosting:8080", param, ctx)
        return Name().convert(name.strip(), param, ctx), url


class Assignment(click.ParamType[tuple[str, str]]):
    """An option [NAME=]PATH."""

    name = "[name=]path"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,  # noqa: ARG002 # part of the interface
        ctx: click.Context | None,  # noqa: ARG002 # part of the interface
    ) -> tuple[str, str]:
        """Return name and path; what has no name is ``predict``, which rewards of classes look at."""
        name, _, path = str(value).rpartition("=")
        return name.strip() or "predict", path.strip()


Port = click.IntRange(0, 65535)
"""A port to listen at; a larger number would wrap round to another port."""
host = click.option("--host", default="0.0.0.0", show_default=True, help="Address to listen at.")


def port(default: int, text: str) -> Callable[[Verb], Verb]:
    """Return the option of the port that is listened at."""
    return click.option("--port", type=Port, default=default, show_default=True, help=text)


def drain_delay(default: str) -> Callable[[Verb], Verb]:
    """Return the option of the time between SIGTERM and the end of serving."""
    return click.option(
        "--drain-delay",
        type=Duration(),
        default=default,
        show_default=True,
        help="On SIGTERM, serve on for so long while saying not ready, until gateways have noticed.",
    )


def explain_bad_settings(verb: Verb) -> Verb:
    """Turn a BadSetting of a verb into a message and exit code 2, without a traceback."""

    @functools.wraps(verb)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return verb(*args, **kwargs)
        except BadSetting as error:
            raise click.UsageError(str(error)) from error

    return run  # type: ignore[return-value] # functools.wraps keeps the signature, its type does not say so
