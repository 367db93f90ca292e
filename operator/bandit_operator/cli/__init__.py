"""The command line: one file a verb."""

from __future__ import annotations

import sys

import click

from bandit_operator.cli.acting import ACTING
from bandit_operator.cli.completion import for_kubectl
from bandit_operator.cli.group import Verbs
from bandit_operator.cli.showing import SHOWING

OTHERS = {
    "completion": "Print the script that makes a shell complete commands, resources and arms.",
    "experiment": "Compare strategies on real streams of data, yours included.",
    "init": "Write a BanditDeployment for a route, to be looked over and applied.",
    "lint": "Say everything that is wrong with manifests: field, value and fix.",
    "plan": "Simulate what comes, from the means and the traffic that the status has now.",
    "replay": "Make every recorded decision of a BanditDeployment again, and say whether it agrees.",
    "run": "Run the operator until SIGTERM.",
    "simulate": "Play a world many times with the operator's own decisions.",
}
"""Summary of each verb that neither shows nor changes a resource."""


@click.group(
    cls=Verbs,
    verbs={
        **{f"showing.{verb}": summary for verb, summary in SHOWING.items()},
        **{f"acting.{verb}": summary for verb, summary in ACTING.items()},
        **OTHERS,
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="bandit-operator")
def main() -> None:
    """Move traffic between versions of a model by what they earn, and roll losers back.

    \b
      kubectl bandit status income
      kubectl bandit pin income logistic --reason "latency of boosting"

    Each command has an example: add --help. As kubectl-bandit on the PATH it is a plugin of kubectl.
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape


def plugin() -> None:
    """As kubectl calls it, by the name that it calls it by."""
    main(prog_name="kubectl bandit")


def complete() -> None:
    """As ``kubectl_complete-bandit``, which kubectl calls with what was typed after ``kubectl bandit``."""
    click.echo(for_kubectl(main, sys.argv[1:]))
