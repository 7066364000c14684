"""Whatever is sent to REST is answered as the OpenAPI document says, and never with a 5xx.

Schemathesis makes requests from the document: valid ones, and ones that are wrong in one place.
Where a request is right there, it speaks of rooms, messages and people that exist.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, CheckFunction, GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.security.fuzzed_node import PATIENCE_SECONDS, FuzzedNode, as_written, fuzzed_node, real
from tests.servers.mongod import ReplicaSet

SCHEMA = schemathesis.openapi.from_path(Path(__file__).parents[2] / "docs/openapi.json")
SCHEMA.config.checks.negative_data_rejection.expected_statuses = [
    *("400", "401", "403", "404", "409", "413", "422")
]
OPERATIONS = {
    found.ok().label: found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)
}

BY_HAND: list[CheckFunction] = [positive_data_acceptance]  # `RULES` is more exact
ENDS_THE_TOKEN = {"POST /api/auth/logout", "POST /api/auth/password"}

EXAMPLES = 14
MANY_EXAMPLES = 200
HEALTHY = (HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large)

RULES: Mapping[str, set[str | None]] = {
    "PATCH /api/users/me": {None},
    "POST /api/auth/password": {"newPassword"},
    "POST /api/auth/register": {"password"},
    "POST /api/messages": {"content"},
    "PATCH /api/messages/{messageId}": {"content"},
    "PUT /api/messages/{messageId}/reactions/{emoji}": {"emoji"},
    "DELETE /api/messages/{messageId}/reactions/{emoji}": {"emoji"},
    "POST /api/rooms": {"description", "name", "participants"},
    "PUT /api/rooms/{roomId}": {"description", None},
    "POST /api/rooms/{roomId}/read": {"seq"},
    "GET /api/search": {"query"},
    "POST /api/reports": {"messageId", "reason", "userId"},
}
"""The fields about which there is a rule that no schema can say, such as a limit in bytes.

Everything else that a valid request is refused for is missing in the document.
"""


@pytest.fixture(scope="module", params=["sqlite", "mongodb"])
def node(
    request: pytest.FixtureRequest, mongo: ReplicaSet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FuzzedNode]:
    on_mongo = request.param == "mongodb"
    env = {"WHATCHAT_STORE_URL": mongo.url("fuzz")} if on_mongo else {}
    with fuzzed_node(tmp_path_factory.mktemp("node"), env) as node:
        yield node


@pytest.fixture(scope="module")
def http() -> Iterator[requests.Session]:
    with requests.Session() as http:
        yield http


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_one_that_the_document_promises(
    node: FuzzedNode, http: requests.Session, label: str
) -> None:
    token = node.newcomer() if label in ENDS_THE_TOKEN else node.token

    @settings(
        max_examples=examples(),
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=HEALTHY,
    )
    @given(case=cases(label, token), data=st.data())
    def ask(case: Case[Any], data: st.DataObject) -> None:
        make_real(case, node.ids, data)
        answer = case.call(base_url=node.process.url, session=http, timeout=PATIENCE_SECONDS)
        case.validate_response(answer, excluded_checks=BY_HAND)
        if mode_of(case) is GenerationMode.POSITIVE and answer.status_code in {400, 422}:
            refused = answer.json()["error"].get("field")
            assert refused in RULES.get(label, ()), (answer.text, case.body, case.query)

    ask()
    assert node.complaints() == []


def examples() -> int:
    """A few of every operation; many where the profile asks for many."""
    return EXAMPLES if settings().derandomize else MANY_EXAMPLES


def cases(label: str, token: str) -> st.SearchStrategy[Case[Any]]:
    """Requests with a good token: right ones, and ones that are wrong in one part or more."""
    headers = {"Authorization": f"Bearer {token}"}
    operation = OPERATIONS[label]
    modes = [GenerationMode.POSITIVE]
    if operation.body or operation.path_parameters or operation.query:
        modes.append(GenerationMode.NEGATIVE)
    made: list[st.SearchStrategy[Case[Any]]] = [
        operation.as_strategy(mode, headers=headers) for mode in modes
    ]
    return st.one_of(made)


def make_real(case: Case[Any], ids: Mapping[str, Any], data: st.DataObject) -> None:
    """Let the parts that are right speak of what exists, mostly, as clients write it."""
    parts = {
        ParameterLocation.PATH: case.path_parameters,
        ParameterLocation.QUERY: case.query,
        ParameterLocation.BODY: case.body,
    }
    for place, fields in parts.items():
        if isinstance(fields, dict) and place_mode(case, place) is GenerationMode.POSITIVE:
            for name, value in fields.items():
                fields[name] = as_written(value)
                if name in ids and data.draw(st.integers(0, 3)):
                    fields[name] = real(value, data.draw(st.sampled_from(ids[name])))


def place_mode(case: Case[Any], place: ParameterLocation) -> GenerationMode | None:
    """How a part was made, if it was."""
    made = case.meta.components.get(place) if case.meta else None
    return made.mode if made else None


def mode_of(case: Case[Any]) -> GenerationMode:
    """How the whole was made."""
    assert case.meta is not None
    return case.meta.generation.mode
