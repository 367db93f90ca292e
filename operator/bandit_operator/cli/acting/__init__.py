"""The verbs that change a resource: each is one patch of one field, with who and why beside it."""

from __future__ import annotations

from bandit_operator.cli.acting.pause import pause
from bandit_operator.cli.acting.pin import pin
from bandit_operator.cli.acting.promote import promote
from bandit_operator.cli.acting.restore import restore
from bandit_operator.cli.acting.resume import resume
from bandit_operator.cli.acting.rollback import rollback
from bandit_operator.cli.acting.unpin import unpin

ACTING = (pause, resume, pin, unpin, promote, rollback, restore)
