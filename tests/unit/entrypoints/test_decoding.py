import json
from typing import Any

import pytest

from tests.unit.entrypoints.toys import FindToys, GetToy, MakeToy, PaintToy
from whatchat.domain.errors import Invalid, Unparsable
from whatchat.entrypoints.decoding import decode_command, parse_json

GOOD: dict[str, Any] = {"content": "hello"}


def refused(fields: object) -> Invalid:
    with pytest.raises(Invalid) as error:
        decode_command(MakeToy, fields)
    return error.value


def test_a_good_command_comes_through() -> None:
    command = decode_command(
        MakeToy, {**GOOD, "participants": ["a"], "settings": {"maxParticipants": 5}}
    )
    assert command.settings.max_participants == 5
    assert command.participants == ["a"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "content"),
        ({"content": 5}, "content"),
        ({"content": None}, "content"),
        ({"content": {"$ne": 1}}, "content"),
        ({"content": ""}, "content"),
        ({"content": "x" * 16_385}, "content"),
        ({"content": "nul\0"}, "content"),
        ({"content": "bell\x07"}, "content"),
        ({"content": "\ud800"}, "content"),
        ({"content": b"binary"}, "content"),
        ({**GOOD, "extra": 1}, "extra"),
        ({**GOOD, "client_id": "x" * 16}, "client_id"),
        ({**GOOD, "clientId": "short"}, "clientId"),
        ({**GOOD, "clientId": "x" * 65}, "clientId"),
        ({**GOOD, "clientId": "x" * 16 + "\n"}, "clientId"),
        ({**GOOD, "kind": "train"}, "kind"),
        ({**GOOD, "weight": float("nan")}, "weight"),
        ({**GOOD, "weight": float("inf")}, "weight"),
        ({**GOOD, "weight": "1"}, "weight"),
        ({**GOOD, "participants": "alice"}, "participants"),
        ({**GOOD, "participants": ["no spaces"]}, "participants"),
        ({**GOOD, "participants": [{"$ne": 1}]}, "participants"),
        ({**GOOD, "participants": ["a"] * 4}, "participants"),
        ({**GOOD, "participants": ["a", b"b"]}, "participants"),
        ({**GOOD, "cursors": {"room": "1"}}, "cursors"),
        ({**GOOD, "cursors": {"room": 2**53}}, "cursors"),
        ({**GOOD, "cursors": {"no room": 1}}, "cursors"),
        ({**GOOD, "settings": {"maxParticipants": "5"}}, "settings.maxParticipants"),
        ({**GOOD, "settings": {"maxParticipants": 10_001}}, "settings.maxParticipants"),
        ({**GOOD, "settings": {"encrypted": True}}, "settings.encrypted"),
        ({**GOOD, "settings": {"colour": "red"}}, "settings.colour"),
        ({**GOOD, "settings": []}, "settings"),
        ({**GOOD, "envelope": {"v": 1}}, "envelope"),
        ({**GOOD, "a`b` - at `$.content": 1}, "a`b` - at `$.content"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], named: str) -> None:
    error = refused(fields)
    assert error.field == named
    assert error.code == "invalid"


@pytest.mark.parametrize("fields", [None, [], "text", 5, [{"content": "x"}], b"{}"])
def test_a_command_is_an_object(fields: object) -> None:
    assert refused(fields).field is None


@pytest.mark.parametrize("fields", [{**GOOD, "\ud800": 1}, {**GOOD, "x" * 5000: 1}, {1: 2}])
def test_an_absurd_field_name_is_refused_in_a_form_that_can_be_sent(fields: Any) -> None:
    body = refused(fields).body()
    assert len(json.dumps({"field": str(body.field), "message": body.message}).encode()) < 600
    body.message.encode()


def test_a_long_value_is_not_repeated_at_length() -> None:
    assert len(refused({**GOOD, "kind": "x" * 10_000}).text) <= 200


def test_deep_nesting_is_refused() -> None:
    value: list[Any] = []
    for _ in range(50_000):
        value = [value]
    assert refused({"content": value}).field == "content"
    while value:  # taken apart by hand: the garbage collector would recurse
        value = value.pop()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"content": "x"} trailing',
        b'{"content": "\xff"}',
        b'\xef\xbb\xbf{"content": "x"}',
        b'{"content": "\x01"}',
        b"[" * 60_000,
        b'{"a":' * 20_000,
        b'{"content": ' + b"9" * 5000 + b"}",
        '{"content": "x"}'.encode("utf-16"),
    ],
)
def test_what_is_not_json_is_unparsable(body: bytes) -> None:
    with pytest.raises(Unparsable):
        parse_json(body)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"content": NaN}', "content"),
        (b'{"content": "x", "weight": -Infinity}', "weight"),
        (b'{"content": "x", "weight": 1e999}', "weight"),
        (b'{"content": "\\ud800"}', "content"),
        (b'{"content": "x", "participants": ["\\udfff"]}', "participants"),
    ],
)
def test_json_that_nobody_may_send_names_its_field(body: bytes, named: str) -> None:
    assert refused(parse_json(body)).field == named


def test_lax_reads_what_queries_hold() -> None:
    command = decode_command(FindToys, {"query": "5", "limit": "7", "mine": "true"}, lax=True)
    assert (command.query, command.limit, command.mine) == ("5", 7, True)


@pytest.mark.parametrize("limit", ["0", "201", "many", "1.5", "NaN", ""])
def test_lax_is_still_bounded(limit: str) -> None:
    with pytest.raises(Invalid) as error:
        decode_command(FindToys, {"limit": limit}, lax=True)
    assert error.value.field == "limit"


def test_strict_reads_no_number_from_a_string() -> None:
    with pytest.raises(Invalid):
        decode_command(FindToys, {"limit": "7"})


@pytest.mark.parametrize("kind", [GetToy, PaintToy])
def test_the_first_missing_field_is_named(kind: type[GetToy | PaintToy]) -> None:
    with pytest.raises(Invalid, match="`toyId` is missing") as error:
        decode_command(kind, {})
    assert error.value.field == "toyId"
