"""The command line: one file a verb."""

from __future__ import annotations

import sys

import click

from bandit_operator.cli.acting import ACTING
from bandit_operator.cli.completion import completion, for_kubectl
from bandit_operator.cli.experiment import experiment
from bandit_operator.cli.init import init
from bandit_operator.cli.lint import lint
from bandit_operator.cli.plan import plan
from bandit_operator.cli.replay import replay
from bandit_operator.cli.run import run
from bandit_operator.cli.showing import SHOWING
from bandit_operator.cli.simulate import simulate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="bandit-operator")
def main() -> None:
    """Move traffic between versions of a model by what they earn, and roll losers back.

    \b
      kubectl bandit status income
      kubectl bandit pin income logistic --reason "latency of boosting"

    Each command has an example: add --help. As kubectl-bandit on the PATH it is a plugin of kubectl.
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape


for verb in (*SHOWING, *ACTING, completion, experiment, init, lint, plan, replay, run, simulate):
    main.add_command(verb)


def plugin() -> None:
    """As kubectl calls it, by the name that it calls it by."""
    main(prog_name="kubectl bandit")


def complete() -> None:
    """As ``kubectl_complete-bandit``, which kubectl calls with what was typed after ``kubectl bandit``."""
    click.echo(for_kubectl(main, sys.argv[1:]))
