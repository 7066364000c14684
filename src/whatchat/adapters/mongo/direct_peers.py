"""Who shares direct rooms with whom, and who has had a part in them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.indexes import LOG_ONCE, LOG_PENDING
from whatchat.adapters.mongo.log_queries import Stages, and_also, pending_anywhere
from whatchat.adapters.mongo.picture import ONE_BATCH, Pictures
from whatchat.domain.ids import RoomId, UserId
from whatchat.domain.ports.room_store import DirectPeer


class DirectPeers:
    """Reads the peers of many people at once.

    Whoever created a direct room, wrote or reacted there is the actor of an entry of its log;
    nobody else is but who changed its settings. So of each room the first and the last actor
    in the order of the index say it all, whatever the room holds.
    """

    def __init__(self, database: MongoDatabase, pictures: Pictures) -> None:
        self._database = database
        self._pictures = pictures

    async def of(self, user_ids: Sequence[UserId]) -> Mapping[UserId, Sequence[DirectPeer]]:
        """The people with whom each of these shares a direct room."""
        room_ids = await self._direct_among(await self._rooms_of(user_ids))
        if not room_ids:
            return {}
        people, actors = defaultdict[RoomId, list[Document]](list), set[tuple[RoomId, UserId]]()
        log = self._database.snapshot.log
        stages = [*_actors(room_ids, 1), and_also(_actors(room_ids, -1)), _places(room_ids)]
        cursor = await log.aggregate(stages, hint=LOG_ONCE, batchSize=ONE_BATCH)
        for one in await cursor.to_list():
            if "actor_id" in one:
                actors.add((one["_id"], one["actor_id"]))
            else:
                people[one["room_id"]].append(one)
        return _peers(set(user_ids), people, actors)

    async def _rooms_of(self, user_ids: Sequence[UserId]) -> list[RoomId]:
        match = {"user_id": {"$in": list(user_ids)}, "joined_seq": {"$gt": 0}}
        fields = {"_id": 0, "room_id": 1, "user_id": 1}
        theirs: Stages = [
            {"$match": match},
            {"$project": fields},
            {"$project": {"member": "$$ROOT"}},
        ]
        picture = await self._pictures.since_now(
            [*pending_anywhere(), and_also(theirs, "members")], hint=LOG_PENDING
        )
        return list({place["room_id"] for place in picture.members})

    async def _direct_among(self, room_ids: Sequence[RoomId]) -> list[RoomId]:
        cursor = self._database.majority.rooms.find(
            {"_id": {"$in": room_ids}, "kind": "direct"}, {"_id": 1}, batch_size=ONE_BATCH
        )
        return [found["_id"] for found in await cursor.to_list()]


def _actors(room_ids: Sequence[RoomId], direction: int) -> Stages:
    """``{_id, actor_id}`` of each room: one look into the index for each."""
    return [
        {"$match": {"room_id": {"$in": room_ids}}},
        {"$sort": {"room_id": direction, "actor_id": direction}},
        {"$group": {"_id": "$room_id", "actor_id": {"$first": "$actor_id"}}},
    ]


def _places(room_ids: Sequence[RoomId]) -> Document:
    match = {"room_id": {"$in": room_ids}, "joined_seq": {"$gt": 0}, "concealed": {"$ne": True}}
    fields = {"_id": 0, "room_id": 1, "user_id": 1}
    return and_also([{"$match": match}, {"$project": fields}], "members")


def _peers(
    wanted: set[UserId],
    people: Mapping[RoomId, Sequence[Document]],
    actors: set[tuple[RoomId, UserId]],
) -> Mapping[UserId, Sequence[DirectPeer]]:
    found: dict[UserId, list[DirectPeer]] = {}
    for room_id, places in people.items():
        both = [place["user_id"] for place in places]
        for own, peer in zip(both, reversed(both), strict=True):
            if own != peer and own in wanted:
                found.setdefault(own, []).append(
                    DirectPeer(
                        user_id=peer,
                        reached_out=(room_id, own) in actors,
                        was_reached=(room_id, peer) in actors,
                    )
                )
    return found
