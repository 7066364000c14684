"""What Grafana makes of a dashboard: which queries it asks, with what in place of variables."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dashboards.source.__main__ import FOLDER

Json = dict[str, Any]

EVERYTHING = {"cluster": ".*", "namespace": ".*", "pod": ".*"}
"""What the variables stand for while "All" is chosen."""


class Query(NamedTuple):
    """A query of a panel, a variable or an annotation, and where it is."""

    dashboard: str
    panel: str
    name: str
    text: str
    exemplars: bool

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.panel}: {self.name}"


def boards() -> list[Json]:
    """All dashboards, as they are checked in."""
    return [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]


def prometheus_queries() -> list[Query]:
    """Whatever is asked of Prometheus, panels first."""
    return [query for board in boards() for query in (*_of_panels(board), *_of_marks(board))]


def debug_targets() -> Iterator[tuple[str, Json]]:
    """Whatever is asked of the live debug API: the panel's title, and the question."""
    for board in boards():
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                if "url" in target:
                    yield panel["title"], target


def rows(answer: Json, selector: str) -> list[Json]:
    """What the Infinity data source takes for rows; raises KeyError where it would fail."""
    if found := re.fullmatch(r"\[@this\]\|#\((\w+)\)#", selector):
        return [answer] if found[1] in answer else []
    if found := re.fullmatch(r"\[(\w+)\]\|@flatten", selector):
        return list(answer.get(found[1], []))
    return list(answer[selector])


def substituted(text: str, *, seconds: float, values: Mapping[str, str] = EVERYTHING) -> str:
    """A query over so many seconds, of what is scraped each second."""
    window = {"__range": f"{round(seconds)}s", "__rate_interval": "5s"}
    for name, value in {**window, **values}.items():
        text = text.replace(f"${{{name}}}", value).replace(f"${name}", value)
    return text


def _of_panels(board: Json) -> Iterator[Query]:
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            if "expr" in target:
                exemplars = bool(target.get("exemplar"))
                yield Query(
                    board["uid"], panel["title"], target["refId"], target["expr"], exemplars
                )


def _of_marks(board: Json) -> Iterator[Query]:
    for one in board["annotations"]["list"]:
        yield Query(board["uid"], "annotations", one["name"], one["expr"], exemplars=False)
