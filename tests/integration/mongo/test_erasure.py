"""What people take back is gone from every document."""

import pytest
from pymongo.database import Database

from tests.integration.mongo.entries import ADA, BOB, entry, post
from tests.integration.mongo.faults import refusing
from tests.servers.mongod import Answer, ReplicaSet
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import RoomId, Seq
from whatchat.domain.log import MessageDeleted, MessageEdited, MessagePosted, ReactionChanged
from whatchat.domain.times import utc_now


def everything(documents: Database[Answer]) -> str:
    return repr([list(documents[name].find()) for name in documents.list_collection_names()])


async def test_an_edit_leaves_one_copy_of_what_is_written(
    store: MongoStore, documents: Database[Answer], room_id: RoomId
) -> None:
    await store.messages.append([entry(room_id, 2, post("first words"))])
    edit = MessageEdited(seq=Seq(2), content="other words")
    await store.messages.append([entry(room_id, 3, edit)])
    assert "first words" not in everything(documents)
    assert everything(documents).count("other words") == 1


async def test_a_deletion_leaves_none_and_no_digest(
    store: MongoStore, documents: Database[Answer], room_id: RoomId
) -> None:
    await store.messages.append(
        [
            entry(room_id, 2, post("first words")),
            entry(room_id, 3, MessageEdited(seq=Seq(2), content="other words")),
            entry(room_id, 4, ReactionChanged(seq=Seq(2), emoji="👍", present=True), actor=BOB),
            entry(room_id, 5, MessageDeleted(seq=Seq(2))),
        ]
    )
    found = everything(documents)
    assert "words" not in found
    assert "👍" not in repr(documents.log.find_one({"rev": 2}))
    digests = [one["digest"] for one in documents.log.find({"rev": {"$gt": 1}})]
    assert digests == [b""] * 4


async def test_a_deletion_leaves_nothing_of_hidden_edits_and_of_what_they_hid(
    store: MongoStore, documents: Database[Answer], room_id: RoomId
) -> None:
    hidden = MessageEdited(seq=Seq(2), content="other words", hidden=True)
    await store.messages.append([entry(room_id, 2, post("first words"))])
    await store.messages.append([entry(room_id, 3, hidden)])
    assert everything(documents).count("first words") == 1
    assert everything(documents).count("other words") == 1
    await store.messages.append([entry(room_id, 4, MessageDeleted(seq=Seq(2)))])
    assert "words" not in everything(documents)


async def test_a_deletion_also_erases_an_edit_that_was_never_projected(
    store: MongoStore, mongo: ReplicaSet, documents: Database[Answer], room_id: RoomId
) -> None:
    await store.messages.append([entry(room_id, 2, post("first words"))])
    edit = MessageEdited(seq=Seq(2), content="other words")
    with refusing(mongo, "update", "log"), pytest.raises(Unavailable):
        await store.messages.append([entry(room_id, 3, edit, actor=ADA)])
    assert "other words" in everything(documents)
    await store.messages.append([entry(room_id, 4, MessageDeleted(seq=Seq(2)))])
    assert "words" not in everything(documents)


async def test_what_is_given_up_takes_an_edit_along_that_was_never_projected(
    store: MongoStore, mongo: ReplicaSet, documents: Database[Answer], room_id: RoomId
) -> None:
    made = MessagePosted(message_type="text", content="first words", deliver_only=True)
    await store.messages.append([entry(room_id, 2, made)])
    edit = MessageEdited(seq=Seq(2), content="other words")
    with refusing(mongo, "update", "log"), pytest.raises(Unavailable):
        await store.messages.append([entry(room_id, 3, edit)])
    hidden = MessageEdited(seq=Seq(2), content="unheard words", hidden=True)
    await store.messages.append([entry(room_id, 4, hidden)])
    found = await store.retention.undelivered(after=None, limit=1)
    await store.retention.give_up(found, utc_now())
    (state,) = (await store.messages.messages([(room_id, Seq(2))])).values()
    assert (state.content, state.erased_at is None) == ("", False)
    assert "words" not in everything(documents).replace("'words'", "")
