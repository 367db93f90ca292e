"""``bandit-operator experiment``: the study on real data, where it is installed."""

from __future__ import annotations

import importlib

import click


@click.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def experiment(arguments: tuple[str, ...]) -> None:
    """Compare strategies on real streams of data, yours included.

    Needs the extra `study`; `bandit-operator experiment --help` lists its commands.
    """
    try:
        command = importlib.import_module("study.cli").main
    except ImportError as error:
        raise click.ClickException(
            f"this command needs the study, which is not installed ({error.name} is missing);"
            " pip install 'bandit-operator[study]'"
        ) from error
    command.main(args=list(arguments), prog_name="bandit-operator experiment")
