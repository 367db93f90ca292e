"""The tests that the cluster's Go packages have of their own."""

from __future__ import annotations

import pytest

from cluster.client import REPOSITORY
from cluster.toolbox.golang import Go
from cluster.toolbox.store import Store, cache_folder

SOURCE = REPOSITORY / "cluster"
PACKAGES = sorted(
    {f"./{file.parent.relative_to(SOURCE)}" for file in (SOURCE / "internal").rglob("*_test.go")}
)


@pytest.mark.cluster  # it fetches and compiles what the cluster is made of
@pytest.mark.parametrize("package", PACKAGES)
def test_go_package_passes_its_own_tests(package: str) -> None:
    go = Go(Store(cache_folder() / "cluster")).ready()
    assert "ok" in go.run("test", package, cwd=SOURCE)
