"""The verbs that show a resource: read it, make a view of it, write that down."""

from __future__ import annotations

from bandit_operator.cli.showing.explain import explain
from bandit_operator.cli.showing.history import history
from bandit_operator.cli.showing.status import status

SHOWING = (status, explain, history)
