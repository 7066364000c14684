"""Whatever is sent over a socket is answered as the AsyncAPI document says, and it stays open.

Arguments are made from the document's schemas: right ones, nearly right ones, and right ones
into which something hostile is put.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.security.fuzzed_node import FuzzedNode, as_written, fuzzed_node, real
from tests.security.plain_socket import PlainSocket, plain_socket

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs/asyncapi.json").read_text())
MESSAGES = DOCUMENT["components"]["messages"]
COMMANDS = [name.removesuffix("Ack") for name in MESSAGES if name.endswith("Ack")]
SCHEMA = schemathesis.openapi.from_dict(
    {
        "openapi": "3.1.0",
        "info": {"title": "The commands as if each had a path", "version": "1"},
        "paths": {
            f"/{name}": {
                "post": {
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": MESSAGES[name]["payload"]}},
                    },
                    "responses": {"200": {"description": "OK"}},
                }
            }
            for name in COMMANDS
        },
        "components": {"schemas": DOCUMENT["components"]["schemas"]},
    }
)

EXAMPLES = 25
MANY_EXAMPLES = 400
HEALTHY = (HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large)

RULES: Mapping[str, set[str | None]] = {
    "SendMessage": {"content"},
    "EditMessage": {"content"},
    "AddReaction": {"emoji"},
    "RemoveReaction": {"emoji"},
    "CreateRoom": {"description", "name", "participants"},
    "UpdateRoom": {"description", None},
    "MarkRead": {"seq"},
    "MarkDelivered": {"seq"},
}
"""The fields about which there is a rule that no schema can say, as in the tests of REST."""

DEPTHS = (40, 400)
HOSTILE = (
    *("NaN", "-Infinity", "1e999", "-1", "1.5", "9" * 30, "9" * 4_000, f"{2**53}", f"{2**63}"),
    *("null", "true", "[]", "{}", '""', '"\\u0000"', '"\\ud800"', '"a\\udfff"', '"\\u202e"'),
    *('{"$gt": ""}', '{"__proto__": {"ok": true}}', '[{"$ne": null}]', '"../../etc/passwd"'),
    *('"' + "x" * 20_000 + '"', '"' + "é" * 20_000 + '"', '"\\r\\nX-Evil: 1"', '"\\u001b[2J"'),
    *("[" * depth + "]" * depth for depth in DEPTHS),
    *('{"a":' * depth + "1" + "}" * depth for depth in DEPTHS),
    '{"_placeholder": true, "num": 7}',
)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FuzzedNode]:
    with fuzzed_node(tmp_path_factory.mktemp("node")) as node:
        yield node


@pytest.fixture
def socket(node: FuzzedNode) -> Iterator[PlainSocket]:
    with plain_socket(node.process, node.token) as socket:
        yield socket


@pytest.mark.parametrize("command", COMMANDS)
def test_every_ack_is_one_that_the_document_promises(
    node: FuzzedNode, socket: PlainSocket, command: str
) -> None:
    event = MESSAGES[command]["name"]

    @fuzzed
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        mode = data.draw(st.sampled_from(modes_of(command)))
        payload = as_written(data.draw(payloads(command, mode)))
        if mode is GenerationMode.POSITIVE and isinstance(payload, dict):
            payload = made_real(payload, node.ids, data)
        ack = socket.ask(event, json.dumps(payload))
        require_ack(command, ack)
        if mode is GenerationMode.NEGATIVE:
            assert not ack["ok"], payload
        elif not ack["ok"] and ack["error"]["code"] == "invalid":
            assert ack["error"].get("field") in RULES.get(command, ()), (ack, payload)

    ask()
    assert socket.ask("sync", '{"cursors": {}, "only": true}')["ok"]
    assert node.complaints() == []


@pytest.mark.parametrize("command", COMMANDS)
def test_something_hostile_in_a_field_is_refused_and_nothing_more(
    node: FuzzedNode, socket: PlainSocket, command: str
) -> None:
    event = MESSAGES[command]["name"]

    @fuzzed
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        payload = as_written(data.draw(payloads(command, GenerationMode.POSITIVE)))
        arguments = data.draw(tampered(made_real(payload, node.ids, data)))
        require_ack(command, socket.ask(event, arguments))

    ask()
    assert socket.ask("sync", '{"cursors": {}, "only": true}')["ok"]
    assert node.complaints() == []


@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_arguments_are_invalid_with_an_ack_and_without(
    node: FuzzedNode, socket: PlainSocket, command: str
) -> None:
    event = MESSAGES[command]["name"]
    placeholder = '{"_placeholder": true, "num": 0}'
    wrong: list[tuple[str, tuple[bytes, ...]]] = [
        *((arguments, ()) for arguments in ("null", "7", '"text"', "[]", "{}, {}", '{"x": 1}')),
        *((arguments, (b"\x00\xff",)) for arguments in (placeholder, f'{{"x": {placeholder}}}')),
    ]
    for arguments, attachments in wrong:
        ack = socket.ask(event, arguments, attachments)
        require_ack(command, ack)
        assert ack["error"]["code"] == "invalid", arguments
        socket.heard.clear()
        socket.tell(event, arguments, attachments)
        assert socket.ask("sync", '{"cursors": {}, "only": true}')["ok"]
        [error] = [told for name, told in socket.heard if name == "error"]
        assert error == {**ack["error"], "event": event}
    assert node.complaints() == []


def fuzzed(test: Any) -> Any:
    """A few examples; many where the profile asks for many."""
    few = settings().derandomize
    return settings(
        max_examples=EXAMPLES if few else MANY_EXAMPLES,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=HEALTHY,
    )(test)


def modes_of(command: str) -> list[GenerationMode]:
    """Whether there is a way to be nearly right."""
    schema = DOCUMENT["components"]["schemas"][command]
    return list(GenerationMode) if schema["properties"] else [GenerationMode.POSITIVE]


def payloads(command: str, mode: GenerationMode) -> st.SearchStrategy[Any]:
    """What a client might send as the one argument."""
    cases = SCHEMA[f"/{command}"]["POST"].as_strategy(mode)
    return cases.map(lambda case: case.body).filter(is_json)


def is_json(value: object) -> bool:
    """Whether it can be written as JSON; bodies of REST may be bytes, or nothing."""
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def made_real(
    payload: dict[str, Any], ids: Mapping[str, Any], data: st.DataObject
) -> dict[str, Any]:
    """The same about what exists, mostly."""
    return {
        name: real(value, data.draw(st.sampled_from(ids[name])))
        if name in ids and data.draw(st.integers(0, 3))
        else value
        for name, value in payload.items()
    }


@st.composite
def tampered(draw: st.DrawFn, payload: dict[str, Any]) -> str:
    """The payload as text, with something hostile in a field of it or in a new one."""
    name = draw(st.sampled_from([*payload, "role", "__proto__", "\x00", "$where"]))
    fields = {key: json.dumps(value) for key, value in payload.items()}
    fields[name] = draw(st.sampled_from(HOSTILE))
    return "{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in fields.items()) + "}"


def require_ack(command: str, ack: dict[str, Any]) -> None:
    """Fail unless the ack is what the document says, and no outcome is left open."""
    reference = f"#/components/messages/{command}Ack/payload"
    jsonschema.Draft202012Validator({**DOCUMENT, "$ref": reference}).validate(ack)
    assert ack["ok"] or ack["error"]["code"] != "unavailable", ack
