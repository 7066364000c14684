"""Nobody reads what is not theirs: by every route there is, knowing every id there is."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.e2e.node_process import NodeProcess
from tests.e2e.prying import Ids, Prier
from tests.e2e.raw import Account, Socket, direct_room, history, register, rest


@pytest.fixture
async def people(node: NodeProcess) -> AsyncIterator[tuple[Prier, Prier, Prier]]:
    """Ada, Bob and Eve, each connected."""
    async with AsyncExitStack() as stack:
        found = []
        for name in ("ada", "bob", "eve"):
            prier = await Prier.of(node, await register(node, name))
            stack.push_async_callback(prier.close)
            found.append(prier)
        ada, bob, eve = found
        yield ada, bob, eve


def secret() -> str:
    """A word that stands nowhere by chance."""
    return f"zebra{secrets.token_hex(6)}"


async def post(who: Prier, path: str, body: object) -> dict[str, Any]:
    status, answer = await rest(who.node, "POST", path, body, token=who.account.token)
    assert status in {200, 201}, answer
    return dict(answer)


async def said(who: Prier, room: str, content: str, **more: object) -> str:
    """Say something; the message's id."""
    body = {"roomId": room, "clientId": secrets.token_hex(8), "content": content, **more}
    return str((await post(who, "/messages", body))["id"])


def assert_unseen(prier: Prier, *hidden: str) -> None:
    """Nothing of it is in anything that the prier was ever told."""
    assert prier.seen
    for one in prier.seen:
        for what in hidden:
            assert what not in one, f"{what} in {one}"


async def test_a_private_room(people: tuple[Prier, Prier, Prier]) -> None:
    ada, bob, eve = people
    name, description, text, edit = (secret() for _ in range(4))
    room = await post(
        ada,
        "/rooms",
        {
            "kind": "group",
            "name": name,
            "description": description,
            "participants": [bob.account.id],
        },
    )
    message = await said(ada, room["id"], text)
    await rest(
        ada.node, "PATCH", f"/messages/{message}", {"content": edit}, token=ada.account.token
    )
    before = await history(ada.node, ada.account, room["id"])

    await eve.pry(Ids(room["id"], message, ada.account.id, query=edit))
    later = secret()
    await said(bob, room["id"], later)
    await eve.listen()

    assert_unseen(eve, name, description, text, edit, later)
    now = await history(ada.node, ada.account, room["id"])
    assert now[: len(before)] == before, "nor did the trying change anything"


async def test_what_was_said_before_one_joined(people: tuple[Prier, Prier, Prier]) -> None:
    ada, bob, eve = people
    early = secret()
    room = await post(ada, "/rooms", {"kind": "group", "name": "Room", "participants": []})
    message = await said(ada, room["id"], early)
    await post(ada, f"/rooms/{room['id']}/members", {"userIds": [eve.account.id]})
    await said(ada, room["id"], "welcome", replyTo=message)
    await rest(
        ada.node,
        "PATCH",
        f"/messages/{message}",
        {"content": f"{early} again"},
        token=ada.account.token,
    )
    await eve.listen()
    await eve.pry(Ids(room["id"], message, bob.account.id, query=early))
    await eve.listen()
    assert_unseen(eve, early)


async def test_across_a_block(people: tuple[Prier, Prier, Prier]) -> None:
    ada, bob, eve = people
    room = await direct_room(ada.node, bob.account, eve.account)
    old, bobs = await said(eve, room, "good morning"), await said(bob, room, "good morning, Eve")
    await bob.listen()
    await block(bob, eve.account)
    hidden = [secret() for _ in range(4)]
    message = await said(eve, room, hidden[0])
    await said(eve, room, hidden[1], replyTo=bobs)
    await altered(eve, "PATCH", message, {"content": hidden[2]})
    await altered(eve, "PATCH", old, {"content": hidden[3]})
    await reacted(eve, bobs, "🦓")
    assert (await eve.socket.ask("typing:start", {"roomId": room}))["ok"]
    await bob.listen()
    for query, one in zip(hidden, (message, old, bobs, message), strict=True):
        await bob.pry(Ids(room, one, eve.account.id, query=query, seqs=(1, 2, 3, 4, 5)))
    after = secret()
    await said(eve, room, after)
    await bob.listen()
    assert_unseen(bob, *hidden, "🦓", "typing:start")
    assert any(after in one for one in bob.seen), "the prying has unblocked her in the end"


async def block(who: Prier, whom: Account) -> None:
    status, answer = await rest(who.node, "PUT", f"/users/{whom.id}/block", token=who.account.token)
    assert status == 204, answer


async def altered(who: Prier, method: str, message: str, body: object) -> None:
    status, answer = await rest(
        who.node, method, f"/messages/{message}", body, token=who.account.token
    )
    assert status == 200, answer


async def reacted(who: Prier, message: str, emoji: str) -> None:
    path = f"/messages/{message}/reactions/{emoji}"
    status, answer = await rest(who.node, "PUT", path, token=who.account.token)
    assert status == 200, answer


@pytest.mark.parametrize("hiding", ["nobody", "contacts", "blocked"])
async def test_a_hidden_presence(people: tuple[Prier, Prier, Prier], hiding: str) -> None:
    """Eve shares a direct room that only she has ever written in; Bob is who may see."""
    ada, bob, eve = people
    visibility = "everyone" if hiding == "blocked" else hiding
    await rest(ada.node, "PATCH", "/users/me", {"presence": visibility}, token=ada.account.token)
    room = await direct_room(ada.node, eve.account, ada.account)
    message = await said(eve, room, "hello?")
    theirs = await direct_room(ada.node, ada.account, bob.account)
    if hiding == "blocked":
        await block(ada, eve.account)
    await eve.listen()
    await bob.listen()
    eve.seen.clear()  # before she was blocked she could see
    for prier in (bob, eve):
        await prier.socket.ask("presence:watch", {"userIds": [ada.account.id]})

    await eve.pry(Ids(room, message, ada.account.id, query="hello"))
    await ada.socket.close()
    ada.socket = await Socket.connect(ada.node, ada.account)
    await eve.listen()
    await bob.pry(Ids(theirs, message, ada.account.id, query="hello"))
    await bob.listen()

    told = f'"userId": "{ada.account.id}", "status": '
    assert_unseen(eve, f'{told}"online"', f'{told}"offline", "lastSeen"')
    assert any(f'{told}"online"' in one for one in bob.seen) == (hiding != "nobody")
