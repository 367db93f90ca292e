"""The ``bandit-serving`` command line: one file a verb."""

from __future__ import annotations

import click

from bandit_serving.cli.arm import arm
from bandit_serving.cli.collector import collector
from bandit_serving.cli.delay import delay
from bandit_serving.cli.replay import replay
from bandit_serving.cli.shadow import shadow

VERBS = (arm, collector, delay, replay, shadow)


@click.group(
    context_settings={
        "auto_envvar_prefix": "BANDIT_SERVING",
        "help_option_names": ["-h", "--help"],
        "max_content_width": 110,
    }
)
def main() -> None:
    """Serve models, collect rewards and replay traffic for bandit-operator.

    Every option can be given as an environment variable: BANDIT_SERVING_, the verb and the option in
    capitals, e.g. BANDIT_SERVING_ARM_PORT=8080 for `arm --port 8080`. Logs are lines of JSON on standard
    error.
    """


for verb in VERBS:
    main.add_command(verb)
