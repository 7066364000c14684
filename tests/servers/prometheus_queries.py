"""What is asked of a Prometheus."""

import contextlib
import http.client
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

ANSWER_SECONDS = 30

Labels = Mapping[str, str]


class Sample(NamedTuple):
    """One series' value at one time; a scalar has no labels."""

    labels: Labels
    value: float


class Series(NamedTuple):
    """One series' values, each with its epoch seconds."""

    labels: Labels
    values: Sequence[tuple[float, float]]


class Exemplar(NamedTuple):
    """One observation of a series, and the labels it carries, such as a trace's id."""

    series: Labels
    labels: Labels
    value: float
    at: float


class Scraped(NamedTuple):
    """How a target fared when it was last scraped: ``health`` is up, down or unknown."""

    job: str
    address: str
    labels: Labels
    health: str
    error: str


class Rule(NamedTuple):
    """A rule that is loaded: ``state`` is inactive, pending or firing, empty if it records."""

    group: str
    name: str
    state: str
    health: str
    error: str


class Alert(NamedTuple):
    """An alert that is pending or firing."""

    labels: Labels
    annotations: Labels
    state: str


class Refused(Exception):
    """Prometheus' own words on what is wrong with a query."""


class Queries:
    """Asks the Prometheus on a loopback port; blocks, and raises :class:`Refused`."""

    def __init__(self, port: int) -> None:
        self.port = port

    def query(self, expression: str, *, at: float | None = None) -> list[Sample]:
        """What an expression gives now, or at a time in epoch seconds."""
        when = {} if at is None else {"time": at}
        data = self._told("query", query=expression, **when)
        if data["resultType"] == "scalar":
            return [Sample({}, float(data["result"][1]))]
        return [Sample(one["metric"], float(one["value"][1])) for one in data["result"]]

    def query_range(
        self, expression: str, *, start: float, end: float, step: float = 1.0
    ) -> list[Series]:
        """What it gives over a time, each so many seconds."""
        data = self._told("query_range", query=expression, start=start, end=end, step=step)
        return [
            Series(one["metric"], [(at, float(value)) for at, value in one["values"]])
            for one in data["result"]
        ]

    def query_exemplars(self, expression: str, *, start: float, end: float) -> list[Exemplar]:
        """The exemplars of the series that an expression names, over a time."""
        data = self._told("query_exemplars", query=expression, start=start, end=end)
        return [
            Exemplar(series["seriesLabels"], one["labels"], float(one["value"]), one["timestamp"])
            for series in data
            for one in series["exemplars"]
        ]

    def targets(self) -> list[Scraped]:
        """All targets, and how they fared."""
        return [
            Scraped(
                one["labels"]["job"],
                one["discoveredLabels"]["__address__"],
                one["labels"],
                one["health"],
                one["lastError"],
            )
            for one in self._told("targets", state="active")["activeTargets"]
        ]

    def rules(self) -> list[Rule]:
        """All rules that are loaded, and how they fared."""
        return [
            Rule(
                group["name"],
                one["name"],
                one.get("state", ""),
                one["health"],
                one.get("lastError", ""),
            )
            for group in self._told("rules")["groups"]
            for one in group["rules"]
        ]

    def alerts(self) -> list[Alert]:
        """What is pending or firing."""
        return [
            Alert(one["labels"], one["annotations"], one["state"])
            for one in self._told("alerts")["alerts"]
        ]

    def _told(self, what: str, **parameters: object) -> Any:
        # Only the queries take a form; it has no bound on its length.
        method = "POST" if "query" in parameters else "GET"
        _, body = asked(self.port, method, f"/api/v1/{what}", urlencode(parameters))
        answer = json.loads(body)
        if answer["status"] != "success":
            raise Refused(answer["error"])
        return answer["data"]


def asked(port: int, method: str, path: str, form: str = "") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    with contextlib.closing(connection):
        if method == "POST":
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", path, form, kind)
        else:
            connection.request("GET", f"{path}?{form}" if form else path)
        answer = connection.getresponse()
        return answer.status, answer.read()
