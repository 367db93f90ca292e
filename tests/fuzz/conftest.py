"""What the fuzz targets share."""

from __future__ import annotations

import logging

import pytest
import structlog


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    """No log lines: thousands of documents that cannot be read would write some."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
