"""The command line: one file a verb."""

from __future__ import annotations

import click

from bandit_operator.cli.experiment import experiment
from bandit_operator.cli.replay import replay
from bandit_operator.cli.run import run
from bandit_operator.cli.simulate import simulate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="bandit-operator")
def main() -> None:
    """Move traffic between versions of a model by what they earn, and roll losers back."""


main.add_command(experiment)
main.add_command(replay)
main.add_command(run)
main.add_command(simulate)
