"""What panels ask of Prometheus."""

from typing import Final

from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

from dashboards.source.promql import scoped
from dashboards.source.vocabulary import Vocabulary

PROMETHEUS: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")

VOCABULARY: Final = Vocabulary.read()


def lines(expr: str, legend: str, *, exemplars: bool = False) -> Dataquery:
    """A line over time for each label set."""
    return _asked(expr).legend_format(legend).range().exemplar(exemplars)


def now(expr: str, legend: str = "__auto") -> Dataquery:
    """One value for each label set, as it is at the end of the time shown."""
    return _asked(expr).legend_format(legend).instant()


def cells(expr: str) -> Dataquery:
    """A column of a table that has a row for each label set."""
    return _asked(expr).instant().format(PromQueryFormat.TABLE)


def buckets(expr: str) -> Dataquery:
    """A histogram's buckets over time, with exemplars."""
    query = _asked(expr).legend_format("{{le}}").range().exemplar(exemplar=True)
    return query.format(PromQueryFormat.HEATMAP)


def _asked(expr: str) -> Dataquery:
    query = Dataquery().datasource(PROMETHEUS).editor_mode(QueryEditorMode.CODE)
    return query.expr(scoped(expr, VOCABULARY))
