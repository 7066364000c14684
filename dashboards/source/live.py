"""What panels ask of the live debug API, through the Infinity data source.

A route or a field that the API does not have cannot be asked for.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, get_args, get_type_hints

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from msgspec.structs import fields as fields_of

from whatchat.domain.contract import Command
from whatchat.features.debug.endpoints import ENDPOINTS

PLUGIN: Final = "yesoreyeram-infinity-datasource"
INFINITY: Final = DataSourceRef(type_val=PLUGIN, uid="${infinity}")


class Field(NamedTuple):
    """A field of an answer, the heading of its column, and where its values lead."""

    selector: str
    heading: str
    unit: str = "string"
    links: Sequence[DashboardLink] = ()

    @property
    def kind(self) -> str:
        """What the plugin takes the values for."""
        if self.unit.startswith(("dateTime", "time:")):
            return "timestamp"
        return {"string": "string", "bool": "boolean"}.get(self.unit, "number")


class DebugQuery(Dataquery):
    """A question as the plugin reads it."""

    def __init__(
        self, path: str, parameters: Mapping[str, str], rows: str, fields: Sequence[Field]
    ) -> None:
        self._path = path
        self._parameters = parameters
        self._rows = rows
        self._fields = fields

    def to_json(self) -> dict[str, object]:
        """Parsed by the plugin's backend, as shared dashboards need it."""
        parameters = [{"key": key, "value": value} for key, value in self._parameters.items()]
        return {
            "refId": "A",
            "datasource": INFINITY,
            "type": "json",
            "source": "url",
            "format": "table",
            "parser": "backend",
            "url": self._path,
            "url_options": {"method": "GET", "data": "", "params": parameters},
            "root_selector": self._selector(),
            "columns": [
                {"selector": field.selector, "text": field.heading, "type": field.kind}
                for field in self._fields
            ],
            "filters": [],
        }

    def _selector(self) -> str:
        """In GJSON's words; no rows, rather than an error, where what is asked about is not there.

        The data source then is to take answers of any status (``ignoreStatusCodeCheck``). Lists
        of all there is still fail loudly.
        """
        if "$" not in self._path:
            return self._rows
        if self._rows:
            return f"[{self._rows}]|@flatten"
        return f"[@this]|#({self._fields[0].selector})#"


class Answer(Builder[Dataquery]):
    """What is answered to a command whose fields are ``given``, constants or variables.

    The rows are the answer's field ``rows``, or the answer itself if that is "".
    """

    def __init__(
        self,
        command: type[Command],
        rows: str,
        fields: Sequence[Field],
        given: Mapping[str, str] = {},
    ) -> None:
        [endpoint] = [one for one in ENDPOINTS if one.command is command]
        path, parameters = (endpoint.http or "").removeprefix("GET "), dict(given)
        _known(command, given)
        _known(_shape(get_type_hints(endpoint.run)["return"], rows), [at.selector for at in fields])
        for name in given:
            if f"{{{name}}}" in path:
                path = path.replace(f"{{{name}}}", parameters.pop(name))
        self.fields = fields
        self._query = DebugQuery(path, parameters, rows, fields)

    def build(self) -> Dataquery:
        return self._query


def _shape(answer: Any, rows: str) -> Any:
    """What a row is made of."""
    if not rows:
        return answer
    [field] = [one for one in fields_of(answer) if one.encode_name == rows]
    return get_args(field.type)[0]


def _known(shape: Any, names: Sequence[str] | Mapping[str, str]) -> None:
    there = {field.encode_name for field in fields_of(shape)}
    if unknown := sorted(set(names) - there):
        raise ValueError(f"{shape.__name__} has no {', '.join(unknown)}")
