"""The Python client against a node: people talk, lose their connections and miss nothing."""

import asyncio
import secrets
from collections.abc import Callable

import pytest
from msgspec import structs

from tests.e2e.conftest import NodeFactory
from tests.e2e.faulty_network import FaultyNetwork
from tests.e2e.node_process import NodeProcess
from tests.unit.client.comparable import comparable
from whatchat.client import (
    POLLING_FIRST,
    WEBSOCKET_FIRST,
    Message,
    MessageSent,
    SettingsPatch,
    WhatchatClient,
    auth,
    catching_up,
)
from whatchat.client.errors import NoAnswer
from whatchat.client.events import MoveAsked, ResyncAsked, SessionReady, TokenExpiring
from whatchat.client.http import Http
from whatchat.client.state import State, gaps
from whatchat.client.stream import EventStream
from whatchat.client.views import Transports
from whatchat.domain.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unavailable
from whatchat.domain.ids import MessageId, Rev, RoomId

PASSWORD = "correct horse battery staple"


async def person(
    url: str, name: str = "p", *, transports: Transports = WEBSOCKET_FIRST
) -> WhatchatClient:
    username = f"{name}.{secrets.token_hex(6)}"
    return await WhatchatClient.register(url, username, PASSWORD, transports=transports)


def messages(state: State, room_id: RoomId) -> list[MessageId]:
    view = state.rooms.get(room_id)
    return list(view.messages) if view else []


def texts(client: WhatchatClient, room_id: RoomId) -> list[str]:
    return [message.content for message in client.messages(room_id)]


async def told(heard: EventStream) -> Message:
    """The next message that is told of."""
    async with asyncio.timeout(10):
        async for event in heard:
            if isinstance(event, MessageSent):
                return event.message
    raise AssertionError("the stream ended")


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the condition was not met in time")


async def until_same(client: WhatchatClient, url: str) -> None:
    """The client comes to hold what a fresh sign-in of its user sees."""
    async with await WhatchatClient.login(url, client.user.username, PASSWORD) as fresh:
        expected = comparable(fresh.state)
        await client.until(lambda state: comparable(state) == expected)


@pytest.mark.parametrize("transports", [WEBSOCKET_FIRST, POLLING_FIRST, ("polling",)])
async def test_two_people_talk(node: NodeProcess, transports: Transports) -> None:
    async with (
        await person(node.url, "ann", transports=transports) as ann,
        await person(node.url, "bob", transports=transports) as bob,
    ):
        room = await ann.direct(bob.user.id)
        heard = bob.events()
        sent = [await ann.send(room.id, text) for text in ("Hello", "How are you?")]
        answer = await bob.send(room.id, "Fine!", reply_to=sent[1].id)
        await ann.until(lambda state: answer.id in messages(state, room.id))

        assert texts(ann, room.id) == texts(bob, room.id) == ["Hello", "How are you?", "Fine!"]
        assert [await told(heard) for _ in range(3)] == [*sent, answer]
        assert ann.rooms[0].unread == 1
        assert bob.rooms[0].unread == 2
        assert bob.rooms[0].last_message == answer
        await until_same(ann, node.url)
        await until_same(bob, node.url)


async def test_every_change_reaches_everybody(node: NodeProcess) -> None:
    async with await person(node.url, "ann") as ann, await person(node.url, "bob") as bob:
        room = await ann.create_room("Tea", [bob.user.id], settings=SettingsPatch(is_private=False))
        message = await ann.send(room.id, "Tea?")
        gone = await bob.send(room.id, "Coffee.")
        edited = await ann.edit(message.id, "Tea!")
        reacted = await bob.react(message.id, "👍")
        await bob.delete(gone.id)
        await ann.update_room(room.id, name="Coffee", settings=SettingsPatch(max_participants=3))
        async with await person(node.url, "cat") as cat:
            await cat.join(room.id)
            await cat.until(lambda state: len(messages(state, room.id)) == 4)
            await until_same(cat, node.url)
            await ann.rest.add_admin(room.id, bob.user.id)
            await cat.leave(room.id)
            await cat.until(lambda state: not state.rooms)
        await bob.unreact(message.id, "👍")

        assert (edited.content, edited.rev > message.rev) == ("Tea!", True)
        assert [reaction.emoji for reaction in reacted.reactions] == ["👍"]
        for client in (ann, bob):
            await until_same(client, node.url)
            assert texts(client, room.id) == [
                "Tea!",
                "",
                f"{ann.user.display_name} changed the name to “Coffee” and changed the settings",
                f"{cat.user.display_name} joined",
                f"{ann.user.display_name} made {bob.user.display_name} an admin",
                f"{cat.user.display_name} left",
            ]
            held = client.room(room.id)
            assert held is not None
            assert (held.name, held.participant_count) == ("Coffee", 2)


async def test_who_was_away_catches_up(node: NodeProcess) -> None:
    async with (
        FaultyNetwork(node.url) as network,
        await person(node.url, "ann") as ann,
        await person(network.url, "bob") as bob,
    ):
        room = await ann.direct(bob.user.id)
        first = await ann.send(room.id, "Before")
        await bob.until(lambda state: bool(messages(state, room.id)))
        heard = bob.events()
        network.cut()
        for number in range(260):
            await ann.send(room.id, f"Meanwhile {number}")
        await ann.edit(first.id, "Before!")
        other = await ann.create_room("Other", [bob.user.id])
        assert not bob.is_connected
        network.mend()
        await bob.until(lambda state: other.id in state.rooms)
        await until_same(bob, node.url)
        await ann.send(room.id, "Live again")
        await bob.until(lambda _: texts(bob, room.id)[-1] == "Live again")

        expected = ["Before!", *(f"Meanwhile {number}" for number in range(260)), "Live again"]
        assert texts(bob, room.id) == expected
        assert [(await told(heard)).content for _ in expected[1:]] == expected[1:]


async def test_a_send_whose_ack_is_lost_is_there_once(node: NodeProcess) -> None:
    async with (
        FaultyNetwork(node.url) as network,
        await person(network.url, "ann") as ann,
        await person(node.url, "bob") as bob,
    ):
        room = await ann.direct(bob.user.id)
        network.mute()
        sending = asyncio.create_task(ann.send(room.id, "Once"))
        await bob.until(lambda state: bool(messages(state, room.id)))
        assert not sending.done()
        network.cut()
        await asyncio.sleep(0.3)
        network.mend()
        message = await sending

        history = await bob.history(room.id)
        assert [one.id for one in history.messages] == [message.id]
        assert texts(ann, room.id) == texts(bob, room.id) == ["Once"]
        await until_same(ann, node.url)


async def test_a_lost_event_is_noticed_and_fetched(node: NodeProcess) -> None:
    async with (
        FaultyNetwork(node.url) as network,
        await person(node.url, "ann") as ann,
        await person(network.url, "bob") as bob,
    ):
        room = await ann.direct(bob.user.id)
        await bob.until(lambda state: room.id in state.rooms)
        is_lost = network.lose(b"Lost")
        lost = await ann.send(room.id, "Lost")
        await is_lost.wait()
        after = await ann.send(room.id, "After")
        await bob.until(lambda state: room.id in gaps(state))
        assert texts(bob, room.id) == []
        await bob.until(lambda state: messages(state, room.id) == [lost.id, after.id])
        await until_same(bob, node.url)


async def test_a_send_nobody_waits_for_is_held_all_the_same(node: NodeProcess) -> None:
    async with await person(node.url, "ann") as ann:
        room = await ann.create_room("Diary")
        sending = asyncio.create_task(ann.send(room.id, "Never mind"))
        await asyncio.sleep(0.001)
        sending.cancel()
        await ann.until(lambda state: len(messages(state, room.id)) == 1)
        await until_same(ann, node.url)


async def test_more_rooms_than_one_sync_takes(
    node: NodeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catching_up, "MAX_CURSORS", 3)
    async with FaultyNetwork(node.url) as network, await person(network.url, "ann") as ann:
        rooms = [await ann.create_room(f"Room {number}") for number in range(8)]
        async with await WhatchatClient.login(node.url, ann.user.username, PASSWORD) as laptop:
            assert laptop.state.rooms.keys() == {room.id for room in rooms}
            network.cut()
            rooms.append(await laptop.create_room("Room 9"))
            for room in rooms:
                await laptop.send(room.id, "Meanwhile")
            network.mend()
            await ann.until(lambda state: len(state.rooms) == len(rooms))
            await ann.sync()
            assert comparable(ann.state) == comparable(laptop.state)


async def test_the_server_can_ask_for_a_resync_a_move_and_a_new_token(node: NodeProcess) -> None:
    async with await person(node.url, "ann") as ann:
        room = await ann.create_room("Diary")
        first = ann.rest._credentials.token
        ann._link._take(TokenExpiring(in_seconds=60))
        await until(lambda: ann.rest._credentials.token != first)
        await ann.send(room.id, "Still here")
        ann._link._take(ResyncAsked(reason="test"))
        await ann.sync()
        heard = ann.events()
        ann._link._take(MoveAsked(reconnect_after_ms=50))
        async with asyncio.timeout(10):
            while not isinstance(await anext(heard), SessionReady):
                pass
        await ann.send(room.id, "Moved")
        await until_same(ann, node.url)


async def test_sending_spans_a_restart_of_the_node(node_factory: NodeFactory) -> None:
    node = node_factory()
    async with await person(node.url, "ann") as ann, await person(node.url, "bob") as bob:
        room = await ann.direct(bob.user.id)
        await ann.send(room.id, "Before")
        await asyncio.to_thread(node.kill)
        sending = asyncio.create_task(ann.send(room.id, "During"))
        await asyncio.to_thread(node.start)
        await sending
        await ann.send(room.id, "After")
        await bob.until(lambda _: texts(bob, room.id) == ["Before", "During", "After"])
        await until_same(ann, node.url)


async def test_the_drain_of_a_node_is_outlived(node_factory: NodeFactory) -> None:
    node = node_factory()
    async with await person(node.url, "ann") as ann:
        room = await ann.create_room("Diary")
        await asyncio.to_thread(node.restart)
        await ann.send(room.id, "Dear diary")
        await until_same(ann, node.url)


async def test_an_access_token_that_ended_is_renewed(node: NodeProcess) -> None:
    async with Http(node.url) as http:
        sign_in = await auth.register(http, f"ann.{secrets.token_hex(6)}", PASSWORD)
    ended = structs.replace(sign_in, access_token="ended")
    async with WhatchatClient(node.url, ended) as ann:
        assert (await ann.create_room("Renewed")).name == "Renewed"
    async with Http(node.url) as http:
        again = await auth.login(http, sign_in.user.username, PASSWORD)
    renewed = WhatchatClient(node.url, structs.replace(again, access_token="ended"))
    try:
        assert await renewed.rest.me() == sign_in.user
    finally:
        await renewed.close()


async def test_a_sign_in_that_ended_ends_the_client(node: NodeProcess) -> None:
    async with await person(node.url, "ann") as ann:
        heard = ann.events()
        await ann.rest.logout()
        with pytest.raises(Unauthenticated):
            await told(heard)
        with pytest.raises(Unauthenticated):
            await ann.create_room("Too late")


async def test_refusals_are_raised_as_what_they_are(node: NodeProcess) -> None:
    async with await person(node.url, "ann") as ann, await person(node.url, "bob") as bob:
        room = await ann.create_room("Private")
        message = await ann.send(room.id, "One", client_id="c" * 16)
        assert await ann.send(room.id, "One", client_id="c" * 16) == message
        with pytest.raises(Conflict):
            await ann.send(room.id, "Two", client_id="c" * 16)
        with pytest.raises(NotFound):
            await bob.send(room.id, "Let me in")
        await ann.rest.add_members(room.id, [bob.user.id])
        await bob.until(lambda state: room.id in state.rooms)
        with pytest.raises(Forbidden):
            await bob.update_room(room.id, name="Mine")
        with pytest.raises(Unauthenticated):
            await WhatchatClient.login(node.url, ann.user.username, "wrong password")


async def test_rest_has_the_same_rooms_and_messages(node: NodeProcess) -> None:
    async with await person(node.url, "ann") as ann, await person(node.url, "bob") as bob:
        public = SettingsPatch(is_private=False)
        name = f"Open {secrets.token_hex(6)}"
        room = await ann.rest.create_room("group", [], name=name, settings=public)
        sent = await ann.rest.send(room.id, "Over REST")
        await ann.until(lambda state: messages(state, room.id) == [sent.id])
        assert await bob.rest.users(ann.user.username) == (ann.user,)
        assert await bob.rest.user(ann.user.id) == ann.user
        assert [one.id for one in (await bob.rest.public_rooms(name)).rooms] == [room.id]

        await bob.rest.join(room.id)
        await bob.until(lambda state: len(messages(state, room.id)) == 2)
        assert texts(bob, room.id) == ["Over REST", f"{bob.user.display_name} joined"]
        await ann.rest.add_admin(room.id, bob.user.id)
        await ann.rest.remove_admin(room.id, bob.user.id)
        await ann.rest.update_room(room.id, description="Come in")
        members = (await bob.rest.members(room.id)).members
        assert {one.user.id for one in members} == {ann.user.id, bob.user.id}
        assert (await bob.rest.room(room.id)).description == "Come in"
        await until_same(bob, node.url)

        cursors = {room.id: Rev(1)}
        synced = await bob.rest.sync(cursors, epoch=bob.state.epoch, only=True)
        assert [one.room_id for one in synced.rooms] == [room.id]
        await ann.rest.remove_member(room.id, bob.user.id)
        await bob.until(lambda state: not state.rooms)


async def test_patience_ends(node: NodeProcess) -> None:
    async with FaultyNetwork(node.url) as network:
        name = f"ann.{secrets.token_hex(6)}"
        ann = await WhatchatClient.register(network.url, name, PASSWORD, patience=0.5)
        network.cut()
        with pytest.raises(Unavailable):
            await ann.__aenter__()
        network.mend()
        async with await WhatchatClient.login(network.url, name, PASSWORD, patience=1) as ann:
            room = await ann.create_room("Diary")
            network.cut()
            with pytest.raises(Unavailable):
                await ann.send(room.id, "Dear diary")
            with pytest.raises(NoAnswer):
                await ann.until(lambda state: bool(messages(state, room.id)), patience=0.1)


async def test_commands_need_a_connection(node: NodeProcess) -> None:
    ann = await person(node.url, "ann")
    with pytest.raises(Unavailable):
        await ann.create_room("Too early")
    await ann.close()
    with pytest.raises(StopAsyncIteration):
        await anext(ann.events())


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await WhatchatClient.login("http://127.0.0.1:9", "ann", PASSWORD)
