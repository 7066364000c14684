"""What all dashboards have in common: variables, annotations, links, and where panels stand."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    AnnotationQuery,
    Dashboard,
    DashboardCursorSync,
    DataSourceRef,
    Panel,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards.source.links import TAG, TITLES, everywhere
from dashboards.source.live import PLUGIN
from dashboards.source.promql import OURS, scoped
from dashboards.source.queries import PROMETHEUS, VOCABULARY

EVERYTHING: Final = ".*"
"""What "All" stands for: it matches where Prometheus has no such label, too."""

Panels = Iterator[Builder[Panel]]

Row = tuple[str, Iterable[Builder[Panel]]]
"""A heading, "" for none, and the panels below it."""


def board(
    uid: str,
    says: str,
    rows: Iterable[Row],
    *,
    variables: Sequence[Builder[VariableModel]] = (),
    span: str = "now-1h",
    refresh: str = "30s",
) -> Dashboard:
    """A dashboard of these rows from top to bottom."""
    made = (
        builders.Dashboard(TITLES[uid])
        .uid(uid)
        .description(says)
        .tags([TAG])
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time(span, "now")
        .refresh(refresh)
        .variables([*_places(), *variables])
        .link(everywhere())
    )
    for annotation in (_deploys(), _starts()):
        made.annotation(annotation)
    for heading, panels in rows:
        if heading:
            made.with_row(builders.Row(heading))
        for panel in panels:
            made.with_panel(panel)
    built = made.build()
    for number, placed in enumerate(built.panels or [], 1):
        placed.id_val = number
    return built


def chosen(name: str, label: str, says: str) -> builders.TextBoxVariable:
    """A variable that links fill in, and people may."""
    return builders.TextBoxVariable(name).label(label).description(says).default_value("")


def _places() -> Iterable[Builder[VariableModel]]:
    yield builders.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    yield builders.DatasourceVariable("infinity").label("Live debug API").type(PLUGIN)
    yield _place("cluster", "Cluster", "label_values(whatchat_build_info, cluster)")
    yield _place(
        "namespace",
        "Namespace",
        'label_values(whatchat_build_info{cluster=~"$cluster"}, namespace)',
    )
    yield _place(
        "pod",
        "Pod",
        'label_values(whatchat_build_info{cluster=~"$cluster",namespace=~"$namespace"}, pod)',
    )


def _place(name: str, label: str, query: str) -> builders.QueryVariable:
    asked = {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"}
    return (
        builders.QueryVariable(name)
        .label(label)
        .datasource(PROMETHEUS)
        .query(asked)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(EVERYTHING)
        .current(VariableOption(selected=True, text="All", value="$__all"))
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.NATURAL_ASC)
    )


class _Marks(AnnotationQuery):
    """Times that Prometheus tells of, with the fields that its plugin reads besides."""

    def __init__(self, name: str, colour: str, expr: str, text: str, *, at_value: bool) -> None:
        super().__init__(
            name=name,
            datasource=DataSourceRef(type_val="prometheus", uid="${datasource}"),
            icon_color=colour,
            expr=scoped(expr, VOCABULARY),
        )
        self._text = text
        self._at_value = at_value

    def to_json(self) -> dict[str, object]:
        return {
            **super().to_json(),
            "titleFormat": self.name,
            "textFormat": self._text,
            "step": "15s",
            "useValueForTime": self._at_value,
        }


class _Annotation(Builder[AnnotationQuery]):
    def __init__(self, marks: _Marks) -> None:
        self._marks = marks

    def build(self) -> AnnotationQuery:
        return self._marks


def _deploys() -> Builder[AnnotationQuery]:
    """A version that ran nowhere five minutes before."""
    versions = "count by (version) (whatchat_build_info{})"
    before = "count by (version) (last_over_time(whatchat_build_info[5m] offset 1m))"
    return _Annotation(
        _Marks(
            "Deploys",
            "purple",
            f"{versions} unless {before}",
            "Version {{version}}",
            at_value=False,
        )
    )


def _starts() -> Builder[AnnotationQuery]:
    """Each process' start, at its own time."""
    expr = f"1000 * (process_start_time_seconds {OURS})"
    return _Annotation(_Marks("Starts", "blue", expr, "{{pod}} started", at_value=True))
