"""The same made-up inputs in every run and on every machine."""

from __future__ import annotations

from functools import cached_property

from hypothesis import settings
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.internal.constants_ast import Constants

PROFILE = "seeded"


class Seeded(HypothesisProvider):
    """Draws as Hypothesis does, but no constants of modules that happen to be loaded.

    Hypothesis mixes the constants of all loaded modules of a project into what it draws. Then what a worker
    ran before decides which inputs a test sees, and so does an edit of a constant that the test never uses.
    """

    @cached_property
    def _local_constants(self) -> Constants:
        return Constants()


def draw_alike() -> None:
    """Let all tests of this process draw by their own seeds, and none remember what it drew."""
    AVAILABLE_PROVIDERS["hypothesis"] = Seeded
    settings.register_profile(PROFILE, derandomize=True, database=None, print_blob=True)
    settings.load_profile(PROFILE)
