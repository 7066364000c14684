"""Reporting over REST."""

import secrets
from typing import Any

import pytest

from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import Account, Socket, direct_room, register, rest
from whatchat.client import WhatchatClient
from whatchat.domain.errors import NotFound
from whatchat.domain.ids import MessageId, UserId


async def said(node: NodeProcess, who: Account, room_id: str) -> str:
    body = {"roomId": room_id, "clientId": secrets.token_hex(8), "content": "hi"}
    status, message = await rest(node, "POST", "/messages", body, token=who.token)
    assert status == 201
    return str(message["id"])


async def report(node: NodeProcess, who: Account, **body: object) -> tuple[int, Any]:
    return await rest(node, "POST", "/reports", body, token=who.token)


async def test_a_report_is_accepted_and_the_reported_person_hears_nothing(
    node: NodeProcess,
) -> None:
    ada, bob = await register(node, "ada"), await register(node, "bob")
    room_id = await direct_room(node, bob, ada)
    message_id = await said(node, bob, room_id)
    socket = await Socket.connect(node, bob)
    try:
        for _ in range(2):
            assert await report(node, ada, messageId=message_id, reason="spam") == (202, {})
            assert await report(node, ada, userId=bob.id, reason="spam") == (202, {})
        await said(node, ada, room_id)
        await socket.hear("message:new")  # and nothing before it
    finally:
        await socket.close()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reason": "spam"}, "messageId"),
        ({"userId": "someone"}, "reason"),
        ({"userId": "someone", "reason": ""}, "reason"),
        ({"userId": "someone", "reason": " \n "}, "reason"),
        ({"userId": "someone", "reason": "x" * 1001}, "reason"),
        ({"userId": "someone", "reason": "a\u0007b"}, "reason"),
        ({"userId": "someone", "reason": "a\u001b[31mb"}, "reason"),
        ({"userId": "not an id", "reason": "spam"}, "userId"),
        ({"messageId": "not an id", "reason": "spam"}, "messageId"),
        ({"userId": "someone", "reason": "spam", "roomId": "room"}, "roomId"),
    ],
)
async def test_a_bad_report_is_refused_by_its_field(
    node: NodeProcess, body: dict[str, object], field: str
) -> None:
    status, answer = await report(node, await register(node, "ada"), **body)
    assert (status, answer["error"]["code"], answer["error"]["field"]) == (422, "invalid", field)


async def test_the_longest_reason_of_wide_characters_is_taken(node: NodeProcess) -> None:
    ada, bob = await register(node, "ada"), await register(node, "bob")
    assert await report(node, ada, userId=bob.id, reason="🦓" * 1000) == (202, {})


async def test_without_a_token_nothing_is_reported(node: NodeProcess) -> None:
    bob = await register(node, "bob")
    status, answer = await rest(node, "POST", "/reports", {"userId": bob.id, "reason": "spam"})
    assert (status, answer["error"]["code"]) == (401, "unauthenticated")


async def test_the_python_client_reports(node: NodeProcess) -> None:
    bob = await register(node, "bob")
    name = f"ada.{secrets.token_hex(6)}"
    async with await WhatchatClient.register(node.url, name, secrets.token_hex(16)) as ada:
        await ada.rest.report("spam", user_id=UserId(bob.id))
        with pytest.raises(NotFound):
            await ada.rest.report("spam", message_id=MessageId("no-such-message"))
