"""The two older vocabularies, every row of both directions."""

import json
from typing import Any, NoReturn

import pytest

from tests.unit.realtime.parts import NotedLink, actor
from whatchat.domain.actor import Actor
from whatchat.domain.errors import ChatError, Conflict, Forbidden, Invalid, NotFound
from whatchat.domain.ids import MessageId, RoomId, Seq, message_id
from whatchat.domain.signals import SessionMoving
from whatchat.realtime.codec import event_frame, success_frame
from whatchat.realtime.connection import VOLATILE_BYTES, Connection
from whatchat.realtime.dialects import DIALECTS
from whatchat.realtime.frame import plain_frame
from whatchat.realtime.interpreter import InterpretedLink, Interpreter, Interpreters
from whatchat.realtime.link import DRAINING, MALFORMED

ROOM = RoomId("abcdefghijklmnopqrstuv")
MESSAGE = message_id(ROOM, Seq(70))
ADA = {"id": "ada", "username": "ada.l", "displayName": "Ada"}
BOB = {"id": "bob", "username": "bob.m", "displayName": "Bob"}


class NotedCommands:
    """Commands that are noted; ``error`` is what they fail with."""

    def __init__(self) -> None:
        self.ran: list[tuple[Actor, str, Any]] = []
        self.refused: list[ChatError] = []
        self.error: ChatError | None = None

    def begin(self, actor: Actor, event: str, arguments: Any) -> None:
        """Nothing: everything is run."""

    async def run(self, actor: Actor, event: str, arguments: Any) -> bytes:
        self.ran.append((actor, event, arguments))
        if self.error:
            raise self.error
        return b"{}"

    async def refuse(self, actor: Actor, refusal: ChatError) -> NoReturn:
        self.refused.append(refusal)
        raise refusal


@pytest.fixture
def commands() -> NotedCommands:
    return NotedCommands()


async def ask(commands: NotedCommands, dialect: str, event: str, *data: Any) -> tuple[str, Any]:
    """The command that an event becomes, and its fields; a client id is left out if it is fine."""
    answer = await Interpreter(DIALECTS[dialect]).run(commands, actor("ada"), event, data)
    assert answer == b"{}"
    _, command, [fields] = commands.ran[-1]
    if command == "message:send":
        assert 16 <= len(fields.pop("clientId")) <= 64
    return command, fields


def tell(dialect: str, event: str, data: dict[str, Any]) -> list[tuple[str, Any]]:
    """The events that one of ours becomes."""
    link = NotedLink()
    interpreted = InterpretedLink(link, Interpreter(DIALECTS[dialect]))
    interpreted.write(event_frame(event, json.dumps(data).encode()))
    return link.events()


ASKS = [
    ("classic", "join_room", {"roomId": ROOM, "userId": "ada"}, "room:join", {"roomId": ROOM}),
    (
        "classic",
        "send_message",
        {"message": "hi", "roomId": ROOM, "timestamp": "2020-01-01T00:00:00Z"},
        "message:send",
        {"roomId": ROOM, "content": "hi"},
    ),
    (
        "classic",
        "typing_start",
        {"roomId": ROOM, "userId": "ada"},
        "typing:start",
        {"roomId": ROOM},
    ),
    ("classic", "typing_stop", {"roomId": ROOM}, "typing:stop", {"roomId": ROOM}),
    ("chat", "chat:join", {"chatId": ROOM}, "room:join", {"roomId": ROOM}),
    ("chat", "chat:join", ROOM, "room:join", {"roomId": ROOM}),
    ("chat", "chat:leave", {"chatId": ROOM}, "room:leave", {"roomId": ROOM}),
    (
        "chat",
        "message:send",
        {"chatId": ROOM, "content": "hi", "messageType": "text"},
        "message:send",
        {"roomId": ROOM, "content": "hi", "messageType": "text"},
    ),
    (
        "chat",
        "message:read",
        {"messageId": MESSAGE, "chatId": ROOM},
        "message:read",
        {"roomId": ROOM, "seq": 70},
    ),
    ("chat", "message:read", {"messageId": MESSAGE}, "message:read", {"roomId": ROOM, "seq": 70}),
    ("chat", "typing:start", {"chatId": ROOM}, "typing:start", {"roomId": ROOM}),
    ("chat", "typing:stop", {"chatId": ROOM, "userId": None}, "typing:stop", {"roomId": ROOM}),
]


@pytest.mark.parametrize(("dialect", "event", "data", "command", "fields"), ASKS)
async def test_what_they_ask_for(
    commands: NotedCommands, dialect: str, event: str, data: Any, command: str, fields: Any
) -> None:
    assert await ask(commands, dialect, event, data) == (command, fields)


def test_every_row_of_asking_is_tried() -> None:
    assert {(dialect, event) for dialect, event, *_ in ASKS} == {
        (name, event) for name, dialect in DIALECTS.items() for event in dialect.asks
    }


async def test_each_sending_is_one_of_its_own(commands: NotedCommands) -> None:
    interpreter, data = Interpreter(DIALECTS["chat"]), {"chatId": ROOM, "content": "hi"}
    for _ in range(2):
        await interpreter.run(commands, actor("ada"), "message:send", [data])
    first, second = (fields["clientId"] for _, _, [fields] in commands.ran)
    assert first != second


@pytest.mark.parametrize(("dialect", "hears_itself"), [("classic", False), ("chat", True)])
async def test_who_hears_itself_is_no_origin(
    commands: NotedCommands, dialect: str, hears_itself: bool
) -> None:
    event = "typing_start" if dialect == "classic" else "typing:start"
    await ask(commands, dialect, event, {"roomId": ROOM, "chatId": ROOM})
    assert (commands.ran[0][0].session_id is None) is hears_itself
    assert commands.ran[0][0].user_id == "ada"


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_nobody_speaks_for_others(commands: NotedCommands, dialect: str) -> None:
    for event in DIALECTS[dialect].asks:
        for claimed in ("bob", "", ["ada"], 0):
            data = {"roomId": ROOM, "chatId": ROOM, "userId": claimed}
            with pytest.raises(Forbidden) as caught:
                await ask(commands, dialect, event, data)
            assert caught.value.field == "userId"
    assert commands.ran == []
    assert len(commands.refused) == 4 * len(DIALECTS[dialect].asks)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("event", ["sync", "message:edit", "room:join", "connect", "", "é"])
async def test_other_words_are_refused(commands: NotedCommands, dialect: str, event: str) -> None:
    with pytest.raises(Invalid) as caught:
        await ask(commands, dialect, event, {"roomId": ROOM})
    assert caught.value.field == "event"
    assert commands.refused == [caught.value]


@pytest.mark.parametrize("data", [(), ("text",), (None,), ([],), ({}, {})], ids=repr)
async def test_what_is_no_object_is_refused(commands: NotedCommands, data: Any) -> None:
    with pytest.raises(Invalid):
        await ask(commands, "classic", "send_message", *data)
    assert commands.ran == []


@pytest.mark.parametrize(
    "data",
    [
        {"messageId": "unknown", "chatId": ROOM},
        {"messageId": ROOM, "chatId": ROOM},
        {"messageId": MESSAGE, "chatId": "another"},
        {"chatId": ROOM},
        {"messageId": 5, "chatId": ROOM},
    ],
    ids=repr,
)
async def test_reading_what_is_no_message_names_the_field(
    commands: NotedCommands, data: Any
) -> None:
    with pytest.raises((Invalid, NotFound)) as caught:
        await ask(commands, "chat", "message:read", data)
    assert caught.value.field == "messageId"


async def test_an_error_names_the_field_as_the_client_knows_it(commands: NotedCommands) -> None:
    commands.error = Invalid("`content` is missing", field="content")
    with pytest.raises(Invalid) as caught:
        await ask(commands, "classic", "send_message", {"roomId": ROOM})
    assert (caught.value.field, caught.value.text) == ("message", "`message` is missing")

    commands.error = NotFound("no such room", field="roomId")
    with pytest.raises(NotFound) as missing:
        await ask(commands, "chat", "message:send", {"chatId": ROOM})
    assert missing.value.field == "chatId"

    commands.error = Conflict("it is so", field="clientId")
    with pytest.raises(Conflict) as conflict:
        await ask(commands, "chat", "message:send", {"chatId": ROOM})
    assert conflict.value is commands.error


SAID = {
    "id": MESSAGE,
    "roomId": ROOM,
    "seq": 70,
    "rev": 70,
    "clientId": "c" * 22,
    "sender": ADA,
    "messageType": "text",
    "content": "hé",
    "createdAt": "2026-01-01T00:00:00.000Z",
    "reactions": [],
}
PEOPLE = {"participants": [{"user": ADA, "role": "admin"}, {"user": BOB, "role": "member"}]}


def changed(kind: str, *user_ids: str) -> dict[str, Any]:
    change = {"kind": kind, "userIds": list(user_ids)} if user_ids else {"kind": kind}
    return {"roomId": ROOM, "rev": 9, "room": PEOPLE, "change": change}


TYPING = {"roomId": ROOM, "userId": "ada", "username": "ada.l"}
STATUS = {"userId": "ada", "status": "offline", "lastSeen": "2026-01-01T00:00:00.000Z"}
READ = {"roomId": ROOM, "userId": "bob", "seq": 70}
ERROR = {"code": "forbidden", "message": "not allowed", "retryable": False, "event": "room:join"}
NEW = {"roomId": ROOM, "rev": 70, "message": SAID}

Told = list[tuple[str, Any]]
TELLS: list[tuple[str, str, dict[str, Any], Told]] = [
    (
        "classic",
        "message:new",
        NEW,
        [
            (
                "message_received",
                {"message": "hé", "sender": ADA, "timestamp": "2026-01-01T00:00:00.000Z"},
            )
        ],
    ),
    (
        "classic",
        "room:updated",
        changed("joined", "bob"),
        [("user_joined", {"userId": "bob", "username": "bob.m"})],
    ),
    (
        "classic",
        "room:updated",
        changed("added", "ada", "unlisted"),
        [
            ("user_joined", {"userId": "ada", "username": "ada.l"}),
            ("user_joined", {"userId": "unlisted", "username": "unlisted"}),
        ],
    ),
    ("classic", "room:updated", changed("left", "eve"), [("user_left", {"userId": "eve"})]),
    ("classic", "room:updated", changed("role", "bob"), []),
    ("classic", "room:updated", changed("updated"), []),
    ("classic", "room:removed", changed("removed", "ada"), [("user_left", {"userId": "ada"})]),
    (
        "classic",
        "typing:start",
        TYPING,
        [("typing_indicator", {"userId": "ada", "isTyping": True})],
    ),
    (
        "classic",
        "typing:stop",
        TYPING,
        [("typing_indicator", {"userId": "ada", "isTyping": False})],
    ),
    ("classic", "error", ERROR, [("error", {"message": "not allowed"})]),
    (
        "chat",
        "message:new",
        NEW,
        [
            (
                "message:new",
                {
                    "id": MESSAGE,
                    "chat_id": ROOM,
                    "content": "hé",
                    "sender": ADA,
                    "created_at": "2026-01-01T00:00:00.000Z",
                },
            )
        ],
    ),
    ("chat", "user:status", STATUS, [("user:status", {"userId": "ada", "status": "offline"})]),
    (
        "chat",
        "typing:start",
        TYPING,
        [("typing:start", {"chatId": ROOM, "userId": "ada", "username": "ada.l"})],
    ),
    ("chat", "typing:stop", TYPING, [("typing:stop", {"chatId": ROOM, "userId": "ada"})]),
    (
        "chat",
        "receipt:read",
        READ,
        [("message:read", {"messageId": MESSAGE, "userId": "bob", "chatId": ROOM})],
    ),
    ("chat", "error", ERROR, [("error", {"message": "not allowed"})]),
]


@pytest.mark.parametrize(("dialect", "event", "data", "told"), TELLS)
def test_what_they_are_told(dialect: str, event: str, data: dict[str, Any], told: Told) -> None:
    assert tell(dialect, event, data) == told


def test_every_row_of_telling_is_tried() -> None:
    assert {(dialect, event) for dialect, event, _, _ in TELLS} == {
        (name, event) for name, dialect in DIALECTS.items() for event in dialect.tells
    }


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_has_no_counterpart_is_not_told(dialect: str) -> None:
    for event in ("message:updated", "room:created", "room:rev", "session:moving", "receipt:new"):
        assert tell(dialect, event, {"roomId": ROOM, "rev": 1}) == []
    erased = SAID | {"content": "", "deletedAt": "2026-01-01T00:00:00.000Z"}
    note = SAID | {"messageType": "system", "content": "ada joined"}
    for message in (erased, note):
        assert tell(dialect, "message:new", NEW | {"message": message}) == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_greetings_acks_and_goodbyes_are_as_ever(dialect: str) -> None:
    link = NotedLink()
    interpreted = InterpretedLink(link, Interpreter(DIALECTS[dialect]))
    frames = [event_frame("session:ready", b"{}"), success_frame(1, b"{}"), plain_frame("41")]
    for frame in frames:
        interpreted.write(frame)
    assert link.frames == frames


def test_an_announcement_is_translated_once_for_all_who_hear_it() -> None:
    interpreter, links = Interpreter(DIALECTS["chat"]), [NotedLink() for _ in range(3)]
    frame, other = (
        event_frame("message:new", json.dumps(NEW).encode()),
        event_frame("room:rev", b"{}"),
    )
    for link in links:
        interpreted = InterpretedLink(link, interpreter)
        interpreted.write(frame)
        interpreted.write(other)
    first, *rest = (link.frames for link in links)
    assert len(first) == 1
    assert all(len(frames) == 1 and frames[0] is first[0] for frames in rest)


def test_a_connection_behaves_as_any_other() -> None:
    link = NotedLink(congested=True)
    interpreted = InterpretedLink(link, Interpreter(DIALECTS["classic"]))
    connection = Connection(actor("ada"), interpreted)
    assert (connection.transport, interpreted.congested) == ("websocket", True)
    connection.greet(SessionMoving(reconnect_after_ms=1), {}, set())
    link.buffered = VOLATILE_BYTES + 1
    connection.deliver(event_frame("typing:start", json.dumps(TYPING).encode()), volatile=True)
    assert link.events() == []
    connection.close(DRAINING)
    assert (link.closing, link.events()) == (DRAINING, [])


def test_the_last_word_is_a_disconnect() -> None:
    link = NotedLink()
    connection = Connection(actor("ada"), InterpretedLink(link, Interpreter(DIALECTS["chat"])))
    connection.greet(SessionMoving(reconnect_after_ms=1), {}, set())
    connection.close(MALFORMED)
    assert [frame.text for frame in link.frames] == ["41"]


def test_a_dialect_is_known_by_its_name() -> None:
    interpreters = Interpreters()
    for auth in (None, {}, {"token": "t"}, {"dialect": None}, "classic"):
        assert interpreters.asked_for(auth) is None
    chat = interpreters.asked_for({"dialect": "chat"})
    assert chat is interpreters.asked_for({"dialect": "chat"})
    assert chat is not interpreters.asked_for({"dialect": "classic"})
    unknown: list[Any] = ["", "Chat", "latin", 5, ["chat"], {"chat": 1}]
    for name in unknown:
        with pytest.raises(Invalid) as caught:
            interpreters.asked_for({"dialect": name})
        assert caught.value.field == "dialect"
        assert "`dialect`" in caught.value.text


def test_ids_of_messages_lead_there_and_back() -> None:
    [(_, told)] = tell("chat", "receipt:read", READ)
    assert MessageId(told["messageId"]) == MESSAGE
