"""Results of made-up streams."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bandit_study.data.table import Table
from bandit_study.engine.run_dataset import run_dataset
from bandit_study.engine.settings import Settings
from bandit_study.report.figures import Result


@pytest.fixture(scope="session")
def results(
    make_table: Callable[..., Table], settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> list[Result]:
    """Return what came of one stream, and of the same with the break."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BANDIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        return [
            run_dataset(make_table(1200), settings, lambda _: None, skewed=skewed) for skewed in (False, True)
        ]
