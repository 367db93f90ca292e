"""``bandit-operator completion``: what a shell needs to complete commands, and what kubectl asks for."""

from __future__ import annotations

from collections.abc import Sequence

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

PROGRAM = "bandit-operator"
VARIABLE = "_BANDIT_OPERATOR_COMPLETE"
"""What a shell's script sets to ask the program for completions, by click's rule for names."""
SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
KEPT = {
    "bash": f"echo 'source <({PROGRAM} completion bash)' >> ~/.bashrc",
    "zsh": f"echo 'source <({PROGRAM} completion zsh)' >> ~/.zshrc  # below compinit",
    "fish": f"{PROGRAM} completion fish > ~/.config/fish/completions/{PROGRAM}.fish",
}
"""What to type once, so that every shell completes."""
DEFAULT, NO_FILES = 0, 4
"""What kubectl's shell does besides: complete files where nothing fits, or not."""


@click.command()
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that makes a shell complete commands, resources and arms.

    \b
      source <(bandit-operator completion bash)

    `kubectl bandit` needs no script: where kubectl completes, it asks kubectl_complete-bandit,
    which must be on the PATH beside kubectl-bandit.
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    click.echo(f"# To have it in every shell:\n#   {KEPT[shell]}\n")
    click.echo(SHELLS[shell](context.find_root().command, {}, PROGRAM, VARIABLE).source())


def for_kubectl(main: click.Command, words: Sequence[str]) -> str:
    """What kubectl expects of ``kubectl_complete-bandit``: a line for each completion, and what else to do.

    Args:
        main: the command that is completed.
        words: what stands after ``kubectl bandit``; the last is the one to complete.
    """
    *before, begun = words or [""]
    items = ShellComplete(main, {}, PROGRAM, VARIABLE).get_completions(before, begun)
    plain = [item for item in items if item.type == "plain"]
    lines = [f"{item.value}\t{item.help}" if item.help else item.value for item in plain]
    return "\n".join([*lines, f":{NO_FILES if plain == items else DEFAULT}"])
