"""Replicas on other processors come to the same decisions.

A numerical library chooses its kernels by the processor. Weights, reasons and verdicts must not
depend on that, and what is remembered only in its last bits.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow
WORKER = Path(__file__).with_name("kernel_worker.py")
KERNELS = {
    "x86_64": ("Nehalem", "Sandybridge", "Haswell"),
    "aarch64": ("ARMV8", "CORTEXA57", "NEOVERSEN1"),
}
SAME = 1e-9
"""Relative difference up to which two memories count as equal, as ``status.replay`` has it."""


@pytest.fixture(scope="module")
def played() -> dict[str, Any]:
    """The history under each kernel, and once more without the newest vector instructions of numpy."""
    result = {}
    kernels = KERNELS[platform.machine()]
    for kernel in kernels:
        result[kernel] = _run({"OPENBLAS_CORETYPE": kernel})
    if platform.machine() == "x86_64":
        features = "AVX512F AVX512CD AVX512_SKX AVX2 FMA3"
        result["no AVX2"] = _run({"OPENBLAS_CORETYPE": kernels[0], "NPY_DISABLE_CPU_FEATURES": features})
    return result


def _run(environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(WORKER)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_the_kernels_that_are_compared_are_really_different(played: dict[str, Any]) -> None:
    used = {tuple(run["kernels"]) for run in played.values()}
    assert len(used) >= 3


def test_every_kernel_comes_to_the_same_weights_reasons_and_winners(played: dict[str, Any]) -> None:
    first, *others = played.values()
    for other in others:
        for name, run in first["found"].items():
            assert other["found"][name]["path"] == run["path"], name


def test_what_is_remembered_differs_in_its_last_bits_at_most(played: dict[str, Any]) -> None:
    first, *others = played.values()
    for other in others:
        for name, run in first["found"].items():
            np.testing.assert_allclose(
                other["found"][name]["memory"], run["memory"], rtol=SAME, atol=SAME, err_msg=name
            )
