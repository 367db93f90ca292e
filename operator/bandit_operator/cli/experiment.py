"""``bandit-operator experiment``: the study on real data, where it is installed."""

from __future__ import annotations

from importlib.metadata import entry_points

import click

COMMANDS = "bandit_operator.commands"
"""Group of entry points under which a package offers a command that the operator itself does not have."""


@click.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def experiment(arguments: tuple[str, ...]) -> None:
    """Compare strategies on real streams of data, yours included.

    Needs the extra `study`; `bandit-operator experiment --help` lists its commands.
    """
    _offered("experiment").main(args=list(arguments), prog_name="bandit-operator experiment")


def _offered(name: str) -> click.Command:
    """Load the command that a package offers.

    Raises:
        ClickException: No package does, or one that it needs is missing; the text says what to install.
    """
    try:
        (offer,) = entry_points(group=COMMANDS, name=name)
        command: click.Command = offer.load()
    except ImportError as error:
        raise _not_installed(f"{error.name} is missing") from error
    except ValueError as error:
        raise _not_installed(f"no package offers it in {COMMANDS}") from error
    return command


def _not_installed(reason: str) -> click.ClickException:
    return click.ClickException(
        f"this command needs the study, which is not installed ({reason});"
        " in a clone of the project: pip install '.[study]'"
    )
