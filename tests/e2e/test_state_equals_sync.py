"""A stale state and the events since equal a fresh ``sync``, deeply.

For every command that changes a room, sent either way, and for everybody concerned: the
sender, the sender's other device, another member, and a stranger. An event that comes again
changes nothing; one that is missing is noticed by its rev.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import Account, Socket, register, rest
from tests.unit.client.comparable import comparable
from whatchat.client.events import Delivered, Read, RoomRemoved, decode_event
from whatchat.client.state import State, absorb, acked, apply, gaps
from whatchat.client.views import Message, Room, SyncAnswer
from whatchat.domain.contract import Event, RoomEvent
from whatchat.domain.ids import MessageId, RoomId, UserId, locate
from whatchat.domain.models import User
from whatchat.features.messages.contract import (
    AddReaction,
    DeleteMessage,
    EditMessage,
    RemoveReaction,
    SendMessage,
)
from whatchat.features.receipts.telling import WINDOW_SECONDS
from whatchat.features.rooms.contract import (
    AddMembers,
    CreateRoom,
    GrantAdmin,
    JoinRoom,
    LeaveRoom,
    RemoveMember,
    RevokeAdmin,
    UpdateRoom,
)
from whatchat.pod import documented

SETTLE_SECONDS = 5


@dataclass
class Observer:
    """Somebody's socket, the state it began with, and what it was told since."""

    account: Account
    node: NodeProcess
    socket: Socket
    before: State
    events: list[Event] = field(default_factory=list)
    acks: list[Message | Room] = field(default_factory=list)

    @classmethod
    async def of(cls, node: NodeProcess, account: Account) -> "Observer":
        socket = await Socket.connect(node, account)
        return cls(account, node, socket, await fresh(node, account))

    @property
    def now(self) -> State:
        state = self.before
        for answer in self.acks:
            state = acked(state, answer)
        for event in self.events:
            state = apply(state, event)
        return state

    async def settle(self) -> State:
        """Take events up to the revs that a fresh ``sync`` has, and return that."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                while revs(self.now) != revs(await fresh(self.node, self.account)):
                    name, data = await self.socket.next()
                    if event := decode_event(name, data):
                        self.events.append(event)
        return await fresh(self.node, self.account)

    async def with_gaps_closed(self) -> State:
        """What the client's rule does about what no event can tell."""
        body = {"cursors": gaps(self.now), "only": True}
        _, answer = await rest(self.node, "POST", "/sync", body, token=self.account.token)
        return absorb(self.now, msgspec.convert(answer, SyncAnswer))


def revs(state: State) -> dict[str, int]:
    return {room_id: view.cursor for room_id, view in state.rooms.items()}


async def fresh(node: NodeProcess, account: Account) -> State:
    """What a client holds that starts from nothing."""
    status, answer = await rest(node, "POST", "/sync", {"cursors": {}}, token=account.token)
    assert status == 200
    assert not answer["more"]
    me = User(id=UserId(account.id), username=account.username, display_name=account.username)
    return absorb(State(me=me), msgspec.convert(answer, SyncAnswer))


@dataclass
class World:
    """Ada and Bob are in a room of Ada's with two messages; Bob's other room is public.

    In their direct room is a message of ``hers`` and one of ``his``.
    """

    node: NodeProcess
    people: dict[str, Account]
    room: str
    public: str
    direct: str
    message: str
    hers: str
    his: str

    def id_of(self, name: str) -> str:
        return self.people[name].id


Step = tuple[str, str, str, Callable[[World], dict[str, Any]]]

GRANT: Step = (
    "ada",
    "PUT",
    "/rooms/{roomId}/admins/{userId}",
    lambda w: {"roomId": w.room, "userId": w.id_of("bob")},
)
REACT: Step = (
    "bob",
    "PUT",
    "/messages/{messageId}/reactions/{emoji}",
    lambda w: {"messageId": w.message, "emoji": "👍"},
)
BLOCK: Step = (
    "ada",
    "PUT",
    "/users/{userId}/block",
    lambda w: {"userId": w.id_of("bob")},
)
UNHEARD_EDIT: Step = (
    "bob",
    "PATCH",
    "/messages/{messageId}",
    lambda w: {"messageId": w.his, "content": "unheard"},
)
UNHEARD_REACTION: Step = (
    "bob",
    "PUT",
    "/messages/{messageId}/reactions/{emoji}",
    lambda w: {"messageId": w.hers, "emoji": "🙈"},
)

COMMANDS: dict[str, tuple[type, list[Step], Step, str | None]] = {
    "send": (
        SendMessage,
        [],
        (
            "bob",
            "POST",
            "/messages",
            lambda w: {"roomId": w.room, "clientId": "a-client-id-00001", "content": "new"},
        ),
        "message:send",
    ),
    "reply": (
        SendMessage,
        [],
        (
            "bob",
            "POST",
            "/messages",
            lambda w: {
                "roomId": w.room,
                "clientId": "a-client-id-00001",
                "content": "yes",
                "replyTo": w.message,
            },
        ),
        "message:send",
    ),
    "edit": (
        EditMessage,
        [],
        (
            "ada",
            "PATCH",
            "/messages/{messageId}",
            lambda w: {"messageId": w.message, "content": "x"},
        ),
        "message:edit",
    ),
    "delete": (
        DeleteMessage,
        [REACT],
        ("ada", "DELETE", "/messages/{messageId}", lambda w: {"messageId": w.message}),
        "message:delete",
    ),
    "react": (AddReaction, [], REACT, "reaction:add"),
    "unreact": (RemoveReaction, [REACT], ("bob", "DELETE", *REACT[2:]), "reaction:remove"),
    "send unheard": (
        SendMessage,
        [BLOCK],
        (
            "bob",
            "POST",
            "/messages",
            lambda w: {"roomId": w.direct, "clientId": "a-client-id-00001", "content": "unheard"},
        ),
        "message:send",
    ),
    "edit unheard": (EditMessage, [BLOCK], UNHEARD_EDIT, "message:edit"),
    "react unheard": (AddReaction, [BLOCK], UNHEARD_REACTION, "reaction:add"),
    "unreact unheard": (
        RemoveReaction,
        [BLOCK, UNHEARD_REACTION],
        ("bob", "DELETE", *UNHEARD_REACTION[2:]),
        "reaction:remove",
    ),
    "edit what has an unheard reaction": (
        EditMessage,
        [BLOCK, UNHEARD_REACTION],
        (
            "ada",
            "PATCH",
            "/messages/{messageId}",
            lambda w: {"messageId": w.hers, "content": "x"},
        ),
        "message:edit",
    ),
    "react to what has an unheard edit": (
        AddReaction,
        [BLOCK, UNHEARD_EDIT],
        (
            "ada",
            "PUT",
            "/messages/{messageId}/reactions/{emoji}",
            lambda w: {"messageId": w.his, "emoji": "👍"},
        ),
        "reaction:add",
    ),
    "delete what has an unheard edit": (
        DeleteMessage,
        [BLOCK, UNHEARD_EDIT],
        ("bob", "DELETE", "/messages/{messageId}", lambda w: {"messageId": w.his}),
        "message:delete",
    ),
    "create a group": (
        CreateRoom,
        [],
        (
            "ada",
            "POST",
            "/rooms",
            lambda w: {
                "kind": "group",
                "name": "Another",
                "participants": [w.id_of("bob"), w.id_of("eve")],
                "clientId": "a-client-id-00001",
            },
        ),
        "room:create",
    ),
    "create a direct room": (
        CreateRoom,
        [],
        ("ada", "POST", "/rooms", lambda w: {"kind": "direct", "participants": [w.id_of("bob")]}),
        "room:create",
    ),
    "rename": (
        UpdateRoom,
        [],
        ("ada", "PUT", "/rooms/{roomId}", lambda w: {"roomId": w.room, "name": "New"}),
        "room:update",
    ),
    "reconfigure": (
        UpdateRoom,
        [],
        (
            "ada",
            "PUT",
            "/rooms/{roomId}",
            lambda w: {"roomId": w.room, "settings": {"isPrivate": False, "maxParticipants": 7}},
        ),
        "room:update",
    ),
    "join": (
        JoinRoom,
        [],
        ("ada", "POST", "/rooms/{roomId}/join", lambda w: {"roomId": w.public}),
        "room:join",
    ),
    "leave": (
        LeaveRoom,
        [],
        ("bob", "POST", "/rooms/{roomId}/leave", lambda w: {"roomId": w.room}),
        "room:leave",
    ),
    "add": (
        AddMembers,
        [],
        (
            "ada",
            "POST",
            "/rooms/{roomId}/members",
            lambda w: {"roomId": w.room, "userIds": [w.id_of("eve")]},
        ),
        None,
    ),
    "remove": (
        RemoveMember,
        [],
        (
            "ada",
            "DELETE",
            "/rooms/{roomId}/members/{userId}",
            lambda w: {"roomId": w.room, "userId": w.id_of("bob")},
        ),
        None,
    ),
    "grant": (GrantAdmin, [], GRANT, None),
    "revoke": (RevokeAdmin, [GRANT], ("ada", "DELETE", *GRANT[2:]), None),
}
"""Command, what goes before it, the step itself over REST, and its socket event if any."""

OPENS_THE_PAST = {"join", "reconfigure"}
"""After these, messages from before one's joining may be read: the client asks for them."""


async def make_world(node: NodeProcess) -> World:
    people = {name: await register(node, name) for name in ("ada", "bob", "eve")}
    ada, bob = people["ada"], people["bob"]
    body: dict[str, Any] = {"kind": "group", "name": "Room", "participants": [bob.id]}
    _, room = await rest(node, "POST", "/rooms", body, token=ada.token)
    settings = {"isPrivate": False}
    body = {"kind": "group", "name": "Open", "participants": [], "settings": settings}
    _, public = await rest(node, "POST", "/rooms", body, token=bob.token)
    body = {"kind": "direct", "participants": [bob.id]}
    _, direct = await rest(node, "POST", "/rooms", body, token=ada.token)
    world = World(node, people, room["id"], public["id"], direct["id"], "", "", "")
    world.message = await say(world, "ada", world.room)
    world.hers = await say(world, "ada", world.direct)
    world.his = await say(world, "bob", world.direct)
    await say(world, "bob", world.room)
    await say(world, "bob", world.public)
    return world


async def say(world: World, who: str, room: str) -> str:
    body = {"roomId": room, "clientId": secrets.token_hex(16), "content": "."}
    token = world.people[who].token
    status, message = await rest(world.node, "POST", "/messages", body, token=token)
    assert status == 201, message
    return str(message["id"])


async def take(world: World, step: Step) -> Any:
    who, method, template, fields = step
    given = fields(world)
    path = template.format(**given)
    names = [name for name in given if f"{{{name}}}" in template]
    body = {name: value for name, value in given.items() if name not in names}
    token = world.people[who].token
    status, answer = await rest(world.node, method, path, body or None, token=token)
    assert status < 300, answer
    return answer


@pytest.fixture
async def world(node: NodeProcess) -> World:
    return await make_world(node)


@pytest.fixture
async def watch(world: World) -> AsyncIterator[Callable[[], Any]]:
    """Opens the sockets of everybody concerned, Ada's and Bob's other devices included."""
    opened: list[Observer] = []

    async def open_all() -> list[Observer]:
        people = [world.people[name] for name in ("ada", "ada", "bob", "bob", "eve")]
        opened.extend([await Observer.of(world.node, account) for account in people])
        return opened

    yield open_all
    for observer in opened:
        await observer.socket.close()


def test_every_command_that_changes_a_room_is_here() -> None:
    changing = {
        endpoint.row.command
        for endpoint in documented()
        if endpoint.row.run.__qualname__.startswith(("RoomService", "MessageService"))
        and not str(endpoint.row.http).startswith("GET")
    }
    assert changing == {command for command, *_ in COMMANDS.values()}


@pytest.mark.parametrize("way", ["rest", "socket"])
@pytest.mark.parametrize("name", COMMANDS)
async def test_stale_state_and_events_equal_a_fresh_sync(
    world: World, watch: Callable[[], Any], name: str, way: str
) -> None:
    _, before, step, event = COMMANDS[name]
    for earlier in before:
        await take(world, earlier)
    observers: list[Observer] = await watch()
    if way == "rest" or event is None:
        await take(world, step)
    else:
        sender = next(one for one in observers if one.account is world.people[step[0]])
        sender.acks.append(await ask(sender, event, step[3](world)))
    for room, who in ((world.room, "ada"), (world.public, "bob"), (world.direct, "ada")):
        await say(world, who, room)

    for observer in observers:
        expected = await observer.settle()
        if name in OPENS_THE_PAST and gaps(observer.now):
            now = await observer.with_gaps_closed()
        else:
            now = observer.now
        assert comparable(now) == comparable(expected)
        assert gaps(now) == {}
        assert_repetition_changes_nothing(observer)
        assert_a_missing_event_is_noticed(observer)


@pytest.mark.parametrize("way", ["rest", "socket"])
async def test_receipts_agree_with_a_fresh_sync(
    world: World, watch: Callable[[], Any], way: str
) -> None:
    observers: list[Observer] = await watch()
    bob = next(one for one in observers if one.account is world.people["bob"])
    for room, message in ((world.room, world.message), (world.direct, world.hers)):
        place = locate(MessageId(message))
        assert place
        seq = place[1]
        fields = {"roomId": room, "seq": seq}
        if way == "rest":
            path, token = f"/rooms/{room}/read", bob.account.token
            assert await rest(world.node, "POST", path, {"seq": seq}, token=token) == (204, None)
            continue
        for event, kind in (("message:delivered", Delivered), ("message:read", Read)):
            assert await bob.socket.ask(event, fields) == {"ok": True, "data": {}}
            own = kind(room_id=RoomId(room), user_id=UserId(bob.account.id), seq=seq)
            bob.events.append(own)
    await asyncio.sleep(2 * WINDOW_SECONDS)
    for room in (world.room, world.direct):
        await say(world, "ada", room)
    for observer in observers:
        expected = await observer.settle()
        assert comparable(observer.now) == comparable(expected)
        assert_repetition_changes_nothing(observer)


async def ask(sender: Observer, event: str, fields: dict[str, Any]) -> Message | Room:
    ack = await sender.socket.ask(event, fields)
    assert ack["ok"], ack
    if "message" in ack["data"]:
        return msgspec.convert(ack["data"]["message"], Message)
    return msgspec.convert(ack["data"]["room"], Room)


def assert_repetition_changes_nothing(observer: Observer) -> None:
    state = observer.now
    for event in observer.events:
        assert apply(state, event) == state


def assert_a_missing_event_is_noticed(observer: Observer) -> None:
    """Whatever is lost, a later event of the room shows it; nobody put out hears a later one."""
    changes = [one for one in observer.events if isinstance(one, RoomEvent)]
    for missing in changes:
        is_last = missing is [one for one in changes if one.room_id == missing.room_id][-1]
        if is_last or isinstance(missing, RoomRemoved):
            continue
        state = observer.before
        for answer in observer.acks:
            state = acked(state, answer)
        for event in observer.events:
            if event is not missing:
                state = apply(state, event)
        assert missing.room_id in gaps(state), missing
