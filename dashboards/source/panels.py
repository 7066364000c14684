"""The kinds of panels: each has a title, says what it shows, and has a unit."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from grafana_foundation_sdk.builders import common, heatmap, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode

from dashboards.source.links import deeper, of_pod
from dashboards.source.live import INFINITY, Answer, Field
from dashboards.source.promql import RATE
from dashboards.source.queries import PROMETHEUS, buckets, lines

T = TypeVar("T")

FULL, HALF, THIRD, QUARTER, SIXTH = 24, 12, 8, 6, 4
"""Widths, of the 24 that a row has."""

Steps = Sequence[tuple[float, str]]
"""From which value on which colour."""

NONE_IS_GOOD: Final = ((0, "green"), (1e-9, "red"))
ANY_IS_ODD: Final = ((0, "green"), (1e-9, "orange"))
ALL_IS_GOOD: Final = ((0, "red"), (0.999, "green"))
LATE: Final = ((0, "green"), (0.5, "orange"), (1, "red"))
NEUTRAL: Final = ((0, "blue"),)

MISSING: Final = "-"
"""What stands in a table where one row has no value."""

QUANTILES: Final = (0.5, 0.9, 0.99)


def graph(
    title: str,
    says: str,
    unit: str,
    *queries: Dataquery,
    width: int = THIRD,
    steps: Steps = (),
    to: str = "",
    stacked: bool = False,
    most: float | None = None,
    per_pod: bool = False,
    nothing: str = "",
) -> timeseries.Panel:
    """Lines over time from nought, up to ``most`` if the value has an end.

    ``to`` is the dashboard that says more; lines ``per_pod`` lead to their pod each; ``nothing``
    stands where there are none and that is well.
    """
    panel = (
        timeseries.Panel()
        .title(title)
        .description(says)
        .unit(unit)
        .datasource(PROMETHEUS)
        .span(width)
        .height(8)
        .min(0)
        .line_width(1)
        .fill_opacity(40 if stacked else 8)
        .show_points(VisibilityMode.AUTO)
        .thresholds(_thresholds(steps or NEUTRAL))
        .legend(_legend())
        .tooltip(_tooltip())
    )
    if to:
        panel.links([deeper(to)])
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
    if steps:
        dashed = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
        panel.thresholds_style(dashed)
    if most is not None:
        panel.max(most)
    if per_pod:
        panel.data_links([of_pod()])
    if nothing:
        panel.no_value(nothing)
    return panel.targets([query.ref_id(name) for query, name in _named(queries)])


def states(
    title: str,
    says: str,
    query: Dataquery,
    *,
    yes: tuple[str, str],
    no: tuple[str, str],
    width: int = THIRD,
    to: str = "",
    per_pod: bool = False,
) -> statetimeline.Panel:
    """A bar over time for each label set: what a 1 is called and its colour, and a 0."""
    panel = (
        statetimeline.Panel()
        .title(title)
        .description(says)
        .unit("none")
        .datasource(PROMETHEUS)
        .span(width)
        .height(8)
        .mappings([_called({"1": yes, "0": no})])
        .thresholds(_thresholds(NEUTRAL))
        .show_value(VisibilityMode.NEVER)
        .fill_opacity(70)
        .legend(common.VizLegendOptions().show_legend(show_legend=True))
        .tooltip(_tooltip())
        .with_target(query.ref_id("A"))
    )
    if to:
        panel.links([deeper(to)])
    if per_pod:
        panel.data_links([of_pod()])
    return panel


def quantiles(
    title: str,
    says: str,
    histogram: str,
    *,
    width: int = THIRD,
    steps: Steps = LATE,
    to: str = "",
    of: Sequence[float] = QUANTILES,
    unit: str = "s",
) -> timeseries.Panel:
    """How long something takes: quantiles of a histogram, with exemplars that lead to traces."""
    asked = [lines(quantile(q, histogram), f"p{100 * q:g}", exemplars=q == max(of)) for q in of]
    return graph(title, says, unit, *asked, width=width, steps=steps, to=to)


def of_each(
    label: str,
    title: str,
    says: str,
    histogram: str,
    *,
    q: float = 0.99,
    width: int = THIRD,
    steps: Steps = LATE,
    to: str = "",
) -> timeseries.Panel:
    """One quantile of a histogram for each value of a label, with exemplars."""
    asked = lines(quantile(q, histogram, label), f"{{{{{label}}}}}", exemplars=True)
    return graph(title, says, "s", asked, width=width, steps=steps, to=to, per_pod=label == "pod")


def quantile(q: float, histogram: str, label: str = "") -> str:
    """A quantile of what was observed of late."""
    name, brace, chosen = histogram.partition("{")
    labels = f"le, {label}" if label else "le"
    return f"histogram_quantile({q}, sum by ({labels}) (rate({name}_bucket{brace}{chosen}{RATE})))"


def number(
    title: str,
    says: str,
    unit: str,
    query: Dataquery,
    *,
    width: int = SIXTH,
    steps: Steps = NEUTRAL,
    to: str = "",
    decimals: int | None = None,
    nothing: str = "",
) -> stat.Panel:
    """The value at the end of the time shown, large: never an older one that was the last."""
    panel = (
        stat.Panel()
        .title(title)
        .description(says)
        .unit(unit)
        .datasource(PROMETHEUS)
        .span(width)
        .height(4)
        .thresholds(_thresholds(steps))
        .color_mode(
            BigValueColorMode.VALUE if steps is NEUTRAL else BigValueColorMode.BACKGROUND_SOLID
        )
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(query.ref_id("A"))
    )
    if to:
        panel.links([deeper(to)])
    if decimals is not None:
        panel.decimals(decimals)
    if nothing:
        panel.no_value(nothing)
    return panel


def spread(
    title: str, says: str, histogram: str, *, width: int = HALF, to: str = "", unit: str = "s"
) -> heatmap.Panel:
    """How often which duration was observed, with exemplars that lead to traces."""
    panel = (
        heatmap.Panel()
        .title(title)
        .description(says)
        .unit(unit)
        .datasource(PROMETHEUS)
        .span(width)
        .height(8)
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges"))
        .exemplars_color("rgba(87, 148, 242, 0.9)")
        .with_target(buckets(f"sum by (le) (increase({histogram}_bucket{RATE}))").ref_id("A"))
    )
    return panel.links([deeper(to)]) if to else panel


def answer(
    title: str, says: str, asked: Answer, *, width: int = FULL, height: int = 9, nothing: str
) -> table.Panel:
    """What the live debug API says now; ``nothing`` stands where it has no rows."""
    panel = (
        table.Panel()
        .title(title)
        .description(says)
        .unit("string")
        .datasource(INFINITY)
        .span(width)
        .height(height)
        .no_value(nothing)
        .filterable(filterable=True)
        .with_target(asked)
    )
    for field in asked.fields:
        _dress(panel, field)
    return panel


class Column(NamedTuple):
    """A column of a table: what it is of each row's label."""

    heading: str
    query: Dataquery
    unit: str = "short"
    steps: Steps = ()


Mappings = Mapping[str, tuple[str, str]]
"""What a value is called, and its colour."""


def rows(
    title: str,
    says: str,
    labels: Sequence[Field],
    columns: Sequence[Column],
    *,
    width: int = FULL,
    height: int = 9,
    nothing: str,
    sorted_by: str,
    colours: Mapping[str, str] = {},
) -> table.Panel:
    """A row for each set of the labels that the ``labels`` select, a column for each query.

    ``colours`` are those of labels' values.
    """
    named = _named(columns)
    values = {f"Value #{name}" if len(named) > 1 else "Value": one for one, name in named}
    headings = {label.selector: label.heading for label in labels}
    headings |= {name: one.heading for name, one in values.items()}
    organized = {
        "excludeByName": {"Time": True},
        "indexByName": {name: at for at, name in enumerate(headings)},
        "renameByName": headings,
    }
    panel = (
        table.Panel()
        .title(title)
        .description(says)
        .unit("short")
        .datasource(PROMETHEUS)
        .span(width)
        .height(height)
        .no_value(nothing)
        .filterable(filterable=True)
        .sort_by([common.TableSortByFieldState().display_name(sorted_by)])
        .targets([one.query.ref_id(name) for one, name in named])
        .with_transformation(DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(DataTransformerConfig(id_val="organize", options=organized))
    )
    for label in labels:
        _dress(panel, label)
    if colours:
        panel.mappings([_called({value: (value, colour) for value, colour in colours.items()})])
    for one in columns:
        _dress(panel, Field("", one.heading, one.unit), one.steps)
    return panel


def _dress(panel: table.Panel, field: Field, steps: Steps = ()) -> None:
    """Give a column its unit, its links and its colours."""
    properties = [
        DynamicConfigValue("unit", field.unit),
        DynamicConfigValue("noValue", MISSING),
    ]
    if field.links:
        properties.append(DynamicConfigValue("links", [link.build() for link in field.links]))
    if steps:
        properties.append(DynamicConfigValue("thresholds", _thresholds(steps).build()))
        properties.append(DynamicConfigValue("custom.cellOptions", {"type": "color-text"}))
    panel.override_by_name(field.heading, properties)


def _called(names: Mappings) -> ValueMap:
    return ValueMap(
        {
            value: ValueMappingResult(text=text, color=colour, index=at)
            for at, (value, (text, colour)) in enumerate(names.items())
        }
    )


def _named(things: Sequence[T]) -> list[tuple[T, str]]:
    return list(zip(things, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", strict=False))


def _thresholds(steps: Steps) -> ThresholdsConfig:
    first, *others = steps
    return (
        ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps(
            [
                Threshold(color=first[1]),
                *(Threshold(value=value, color=colour) for value, colour in others),
            ]
        )
    )


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .show_legend(show_legend=True)
        .display_mode(LegendDisplayMode.TABLE)
        .placement(LegendPlacement.BOTTOM)
        .calcs(["lastNotNull", "max"])
        .sort_by("Max")
        .sort_desc(sort_desc=True)
    )


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)
