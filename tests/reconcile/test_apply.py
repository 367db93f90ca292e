"""How weights that somebody else changes are put back."""

from __future__ import annotations

from bandit_operator.reconcile.apply import CONTEST_PATIENCE, CONTEST_SECONDS, is_contested, may_put_back


def test_a_foreign_change_is_put_back_at_once():
    assert may_put_back((100.0,), put_back_at=100.0, now=100.0)


def test_a_few_changes_are_still_put_back_at_once():
    changes = tuple(float(second) for second in range(CONTEST_PATIENCE))
    assert not is_contested(changes, 5.0)
    assert may_put_back(changes, put_back_at=5.0, now=5.0)


def test_a_contest_is_backed_off_from_at_growing_distances():
    distances = []
    for extra in range(1, 6):
        changes = tuple(float(second) for second in range(CONTEST_PATIENCE + extra))
        waited = next(wait for wait in range(1000) if may_put_back(changes, 20.0, 20.0 + wait))
        distances.append(waited)
    assert distances == [10, 20, 40, 80, 160]


def test_a_contest_is_over_once_nobody_has_changed_anything_for_a_while():
    changes = tuple(float(second) for second in range(20))
    assert is_contested(changes, 20.0)
    assert not is_contested(changes, 20.0 + CONTEST_SECONDS)
