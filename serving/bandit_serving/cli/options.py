"""Option types and error handling that the verbs share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from bandit_serving.durations import parse_duration
from bandit_serving.errors import BadSetting

Verb = TypeVar("Verb", bound=Callable[..., Any])


class Duration(click.ParamType[float]):
    """An option in seconds, written with its unit."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        if isinstance(value, int | float):
            return float(value)
        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Factor(click.ParamType[tuple[str, float]]):
    """An option NAME=NUMBER."""

    name = "name=number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        """Return the pair."""
        name, _, number = str(value).rpartition("=")
        try:
            return name.strip(), float(number)
        except ValueError:
            self.fail(f"{value!r} is not NAME=NUMBER, e.g. 'weeks worked in year=0.0192'", param, ctx)


def explain_bad_settings(verb: Verb) -> Verb:
    """Turn a BadSetting of a verb into a message and exit code 2, without a traceback."""

    @functools.wraps(verb)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return verb(*args, **kwargs)
        except BadSetting as error:
            raise click.UsageError(str(error)) from error

    return run  # type: ignore[return-value] # functools.wraps keeps the signature, its type does not say so
