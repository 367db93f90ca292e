"""How an object or a finding is written where a program reads it."""

from __future__ import annotations

import codecs
import json
import sys
from typing import Any

import click
import yaml

from bandit_operator.adapters.documents import Dumper
from bandit_operator.api.kind import GROUP, KIND
from bandit_operator.api.printable import printable_lines

output_option = click.option(
    "-o", "--output", type=click.Choice(["json", "yaml", "name"]), help="Write it for programs."
)


def say(text: str) -> None:
    """Print a text that has words of others in it, who must not write to the terminal what they like."""
    click.echo(printable_lines(text))


def written(value: Any, name: str, output: str) -> str:
    """The value as JSON or YAML, or the name of the resource as kubectl writes it."""
    if output == "name":
        return full_name(name)
    if output == "json":
        return json.dumps(value, indent=2)
    # Escaped where it could not be written as it is, and would be lost.
    is_utf_8 = codecs.lookup(getattr(sys.stdout, "encoding", None) or "ascii").name == "utf-8"
    text: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=is_utf_8)
    return text.rstrip()


def full_name(name: str) -> str:
    """A resource as kubectl names it."""
    return f"{KIND.lower()}.{GROUP}/{name}"
