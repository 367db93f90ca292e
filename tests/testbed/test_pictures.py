"""Pictures that are committed can be read on a white page and on a dark one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from testbed.colours import INK
from testbed.pictures import save, styled


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("page", ["#ffffff", "#0d1117"])
def test_text_stands_out_from_a_page(page: str) -> None:
    dark, light = sorted((luminance(INK), luminance(page)))
    assert (light + 0.05) / (dark + 0.05) > 4  # WCAG asks for 3 of large text, for 4.5 of small


def test_a_picture_has_no_background(tmp_path: Path) -> None:
    with styled():
        figure = Figure(figsize=(2, 2))
        figure.subplots().plot([0, 1], [0, 1], label="line")
        figure.legend()
        save(figure, tmp_path / "one.png")
    alpha = np.array(Image.open(tmp_path / "one.png").convert("RGBA"))[..., 3]
    assert (alpha == 0).mean() > 0.5
    assert (alpha == 255).any()


CHARTS = sorted(set(Path("docs").rglob("*.png")) - set(Path("docs/web").iterdir()))


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.stem)
def test_no_chart_that_is_committed_has_a_background(chart: Path) -> None:
    alpha = np.array(Image.open(chart).convert("RGBA"))[..., 3]
    assert (alpha == 0).mean() > 0.3
