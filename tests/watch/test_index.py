"""Which objects name an object."""

from __future__ import annotations

from bandit_operator.watch.index import Index


def test_who_names_something_is_known_for_as_long_as_they_do() -> None:
    index = Index[str, int]()
    index.move(1, (), ("a", "b"))
    index.move(2, (), ("b",))
    assert [sorted(index.of(name)) for name in "abc"] == [[1], [1, 2], []]
    index.move(1, ("a", "b"), ("c",))
    assert [sorted(index.of(name)) for name in "abc"] == [[], [2], [1]]


def test_nothing_is_kept_of_names_that_have_come_and_gone() -> None:
    index = Index[str, int]()
    for number in range(1000):
        index.move(1, (f"route-{number - 1}",), (f"route-{number}",))
    assert list(index) == ["route-999"]
    index.move(1, ("route-999", "never-named"), ())
    assert list(index) == []
