"""What is remembered, and its way to the status and back."""

from __future__ import annotations

import json

import pytest

from bandit_operator.api.status import Phase
from bandit_operator.api.v1alpha1 import parse, to_experiment
from bandit_operator.core.decide import Intention, decide
from bandit_operator.core.decision import Decision
from bandit_operator.core.model import ArmFacts, ArmStanding, ArmState, Observed, Snapshot, Window
from bandit_operator.routers import Located
from bandit_operator.status.session import Session, adopt, let_go, load, status_of

STANDINGS = {
    "logistic": ArmStanding(ArmState.ACTIVE, 100.125, "Serving", "v1"),
    "boosting": ArmStanding(ArmState.DRAINING, 200.5, "WaitingForRequests", "v2", 3, 210.75),
}


def located(foreign: bool = False) -> Located:
    return Located(
        rule=0,
        positions={"logistic": 0, "boosting": 1},
        weights={"logistic": 1, "boosting": 1},
        foreign=foreign,
    )


@pytest.fixture
def decision(session: Session) -> Decision:
    """A decision with a drain under way."""
    facts = {
        arm: ArmFacts(weight, True, 3, standing.template)
        for (arm, standing), weight in zip(STANDINGS.items(), (10000, 0), strict=True)
    }
    window = Window(300, 330, {"logistic": Observed(50, 20), "boosting": Observed(0, 0)})
    intention = Intention(STANDINGS, {"logistic": 10000, "boosting": 0})
    return decide(session.experiment, session.memory, intention, Snapshot(340.0, window, facts, 1, True))


def written(body, session: Session, decision: Decision, phase: Phase = Phase.LEARNING) -> Session:
    """The session that another replica would build from the status."""
    session.memory, session.cursor = decision.memory, 330.0
    body["status"] = json.loads(json.dumps(status_of(session, decision, [], phase)))
    resource = parse(body)
    return load(body, resource, to_experiment(resource))


def test_another_replica_remembers_the_same(body, session, decision):
    again = written(body, session, decision)
    assert again.memory == decision.memory
    assert again.intention == Intention(decision.standings, decision.weights)
    assert again.cursor == 330.0
    assert again.notes == ()


def test_a_memory_that_cannot_be_read_starts_again_and_says_so(body, session, decision):
    written(body, session, decision)
    body["status"]["memory"]["version"] = 999
    resource = parse(body)
    again = load(body, resource, to_experiment(resource))
    assert again.memory.ticks == 0
    assert "999" in again.notes[0]


def test_arms_that_are_no_longer_in_the_spec_are_forgotten(body, session, decision):
    written(body, session, decision)
    body["status"]["arms"].append({**body["status"]["arms"][0], "name": "gone"})
    resource = parse(body)
    assert set(load(body, resource, to_experiment(resource)).intention.standings) == set(STANDINGS)


@pytest.mark.parametrize("phase", [Phase.PAUSED, Phase.OBSERVING])
def test_weights_from_before_a_pause_are_not_put_back_after_it(body, session, decision, phase):
    again = written(body, session, decision, phase)
    assert adopt(again, located(), follow=False).weights == {"logistic": 1, "boosting": 1}


def test_a_paused_session_lets_go_of_its_weights_and_keeps_its_standings(session):
    session.intention = Intention(STANDINGS, {"logistic": 10000, "boosting": 0})
    let_go(session)
    taken = adopt(session, located(), follow=False)
    assert (taken.standings, taken.weights) == (STANDINGS, {"logistic": 1, "boosting": 1})


def test_a_new_resource_goes_on_from_the_users_weights(session):
    assert adopt(session, located(), follow=False) == Intention({}, {"logistic": 1, "boosting": 1}, 10000)


def test_other_backends_keep_their_share_because_the_arms_keep_their_sum(session):
    assert adopt(session, located(foreign=True), follow=False).total == 2
