"""People change what they may, and all that they may."""

from msgspec.structs import replace

from tests.chaos.wishes import EMOJIS, RECENT, wish
from whatchat.client.views import Message, Reaction
from whatchat.domain.ids import ClientId, MessageId, Rev, RoomId, Seq, UserId
from whatchat.domain.models import User

ANN, BOB = UserId("ann"), UserId("bob")
TIMES = 400


def message(seq: int, sender: UserId) -> Message:
    return Message(
        id=MessageId(f"tea.{seq}"),
        room_id=RoomId("tea"),
        seq=Seq(seq),
        rev=Rev(seq),
        client_id=ClientId(f"message {seq}"),
        sender=User(id=sender, username=sender, display_name=sender),
        message_type="text",
        content="hello",
        created_at="2026-01-01T00:00:00.000Z",
    )


def wished(messages: list[Message]) -> set[tuple[int, str, str]]:
    wishes = [wish(messages, ANN, "otherwise") for _ in range(TIMES)]
    return {(one.message.seq, one.how, one.what) for one in wishes if one}


def test_own_messages_are_edited_and_deleted_and_any_is_reacted_to() -> None:
    reactions = {(seq, "react", emoji) for seq in (1, 2) for emoji in EMOJIS}
    own = {(1, "edit", "otherwise"), (1, "delete", "")}
    assert wished([message(1, ANN), message(2, BOB)]) == reactions | own


def test_one_takes_back_ones_own_reactions() -> None:
    mine, theirs = (Reaction(emoji=EMOJIS[0], users=[who]) for who in (ANN, BOB))
    assert wished([replace(message(1, BOB), reactions=(mine,))]) == {
        (1, "unreact", EMOJIS[0]),
        *((1, "react", emoji) for emoji in EMOJIS[1:]),
    }
    assert wished([replace(message(1, BOB), reactions=(theirs,))]) == {
        (1, "react", emoji) for emoji in EMOJIS
    }


def test_what_is_deleted_or_long_ago_is_left_alone() -> None:
    gone = replace(message(1, ANN), content="", deleted_at="2026-01-01T00:00:01.000Z")
    assert wish([gone], ANN, "otherwise") is None
    many = [message(seq, ANN) for seq in range(1, RECENT + 2)]
    assert min(seq for seq, _, _ in wished(many)) == 2
