"""What the dashboards are made of: queries, and panels of one look."""

from __future__ import annotations

from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import (
    AxisPlacement,
    BigValueTextMode,
    LegendDisplayMode,
    LegendPlacement,
    ScaleDistribution,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef, DynamicConfigValue
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
"""The Prometheus that the reader chooses."""
FULL, HALF, THIRD, SIXTH = 24, 12, 8, 4
"""Widths; a row has 24."""
HEIGHT, LOW = 8, 4


@dataclass(frozen=True, slots=True)
class Line:
    """One query of a panel, and how its series are called."""

    promql: str
    legend: str = ""


def _targets(lines: tuple[Line, ...], *, instant: bool = False) -> list[Builder[Dataquery]]:
    targets: list[Builder[Dataquery]] = []
    for letter, line in zip("ABCDEFGH", lines, strict=False):
        target = prometheus.Dataquery().expr(line.promql).ref_id(letter).legend_format(line.legend)
        targets.append(target.instant() if instant else target.range())
    return targets


def number(
    title: str, description: str, line: Line, *, width: int = SIXTH, unit: str = "short"
) -> stat.Panel:
    """A figure as it is now."""
    panel = stat.Panel().title(title).description(description).datasource(SOURCE).unit(unit)
    return panel.targets(_targets((line,), instant=True)).span(width).height(LOW)


def word(title: str, description: str, line: Line, *, width: int = SIXTH) -> stat.Panel:
    """A label's value as it is now, such as a phase."""
    options = common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)
    panel = number(title, description, line, width=width).reduce_options(options)
    return panel.text_mode(BigValueTextMode.NAME)


def lines(
    title: str,
    description: str,
    *queries: Line,
    width: int = HALF,
    unit: str = "short",
    axis: str = "",
    logarithmic: bool = False,
    highest: float | None = None,
) -> timeseries.Panel:
    """Curves over time."""
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    panel = timeseries.Panel().title(title).description(description).datasource(SOURCE).unit(unit)
    panel = panel.targets(_targets(queries)).span(width).height(HEIGHT).legend(legend.show_legend(True))
    panel = panel.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    panel = panel.axis_label(axis).axis_placement(AxisPlacement.AUTO).show_points(VisibilityMode.NEVER)
    if logarithmic:
        scale = common.ScaleDistributionConfig().type(ScaleDistribution.LOG).log(10)
        panel = panel.scale_distribution(scale)
    if highest is not None:
        panel = panel.min(0).max(highest)
    # What is meant and what bounds a curve is dashed.
    dashes = DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [6, 6]})
    return panel.override_by_regexp(".*(realised|lower|upper|threshold)", [dashes])


def states(title: str, description: str, line: Line, *, width: int = FULL) -> statetimeline.Panel:
    """What state each series was in, over time."""
    panel = statetimeline.Panel().title(title).description(description).datasource(SOURCE)
    return panel.targets(_targets((line,))).span(width).height(HEIGHT).show_value(VisibilityMode.NEVER)


def rows(title: str, description: str, line: Line, *, width: int = FULL) -> table.Panel:
    """The labels of series as they are now."""
    query = prometheus.Dataquery().expr(line.promql).ref_id("A").format(PromQueryFormat.TABLE).instant()
    panel = table.Panel().title(title).description(description).datasource(SOURCE)
    return panel.targets([query]).span(width).height(HEIGHT)
