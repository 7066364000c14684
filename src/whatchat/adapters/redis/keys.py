"""Every name in Redis: keys with their expiry, channels, streams.

All names begin with a prefix of their own, which also carries the number of the database:
channels are shared by all databases of a server. Ids are of ``A-Z a-z 0-9 _ -``, so that no
name can be mistaken for another; what stands in braces decides on a cluster which server
has it.

=====================================  =========  =============================================
Name, after the prefix                 What       Expiry
=====================================  =========  =============================================
``room:ROOM``                          channel    none: a channel is there while listened to
``user:USER``                          channel    the same
``topic:TOPIC``                        channel    the same
``canary:POD:N``                       channel    the same
``session:{SHARD}:USER:SESSION``       string     the lease's seconds, renewed with the lease
``sessions:{SHARD}:USER``              set        ``SESSIONS_SECONDS`` after the latest renewal
``presence:{SHARD}:ends``              sorted set ``PRESENCE_SECONDS`` after the latest renewal
``presence:{SHARD}:shown``             set        the same
``presence:{SHARD}:news``              sorted set the same
``presence:{SHARD}:seen``              hash       the same
``limit:{OWNER}:KEY``                  string     when the quota is whole again
``limit:{KEY}``                        string     the same, of what nobody owns
``slow:{OWNER}``                       string     when the owner is slowed down no longer
``tally:KEY``                          sorted set the window's seconds after what came last
``pods:{pods}:heard``                  sorted set ``KNOWN_SECONDS`` after any pod told something
``pods:{pods}:notes``                  hash       the same
``work:{QUEUE}``                       stream     none: trimmed as work is done, and bounded
``work:{QUEUE}:aside:GROUP``           stream     none: bounded, the oldest fall out
=====================================  =========  =============================================
"""

from binascii import crc_hqx
from typing import Final, Literal

from whatchat.domain.ids import RoomId, SessionId, UserId

PREFIX: Final = "whatchat"

SESSIONS_SECONDS: Final = 300
"""How long a user's set of sessions outlives its latest renewal; no lease may be longer."""

PRESENCE_SECONDS: Final = 86_400
"""How long what is known of who is online outlives the last pod."""

SHARDS: Final = 16

PresencePart = Literal["ends", "shown", "news", "seen"]
"""When who is online ends; who was told to be; who is to be told of; when who went was there."""

PodsPart = Literal["heard", "notes"]
"""When each pod told something last; what it told."""


def shard_of(user_id: UserId) -> int:
    """The shard that has a person."""
    return crc_hqx(user_id.encode(), 0) % SHARDS


class Keys:
    """Makes names for one database of one deployment."""

    def __init__(self, database: int = 0, prefix: str = PREFIX) -> None:
        self._prefix = f"{prefix}:{database}:"

    def room_channel(self, room_id: RoomId) -> bytes:
        """What is for a room."""
        return f"{self._prefix}room:{room_id}".encode()

    def user_channel(self, user_id: UserId) -> bytes:
        """What is for a user."""
        return f"{self._prefix}user:{user_id}".encode()

    def topic_channel(self, topic: str) -> bytes:
        """What is for pods that listen for a topic."""
        return f"{self._prefix}topic:{topic}".encode()

    def canary_channel(self, listener: str, number: int) -> bytes:
        """Where a listener hears itself; ``number`` chooses the cluster's server."""
        return f"{self._prefix}canary:{listener}:{number}".encode()

    def session(self, user_id: UserId, session_id: SessionId) -> bytes:
        """A live socket; its lease is the key's expiry."""
        return f"{self._prefix}session:{{{shard_of(user_id)}}}:{user_id}:{session_id}".encode()

    def sessions(self, user_id: UserId) -> bytes:
        """The ids of a user's sockets, some of which may have ended."""
        return f"{self._prefix}sessions:{{{shard_of(user_id)}}}:{user_id}".encode()

    def presence(self, shard: int, part: PresencePart) -> bytes:
        """Who is online, of one shard's people."""
        return f"{self._prefix}presence:{{{shard}}}:{part}".encode()

    def limit(self, owner: str, key: str) -> bytes:
        """When a quota is whole again; of what an owner has, one server has all."""
        name = f"{{{owner}}}:{key}" if owner else f"{{{key}}}"
        return f"{self._prefix}limit:{name}".encode()

    def slowness(self, owner: str) -> bytes:
        """What an owner's charges are multiplied by; where its quotas are."""
        return f"{self._prefix}slow:{{{owner}}}".encode()

    def tally(self, key: str) -> bytes:
        """What was counted lately."""
        return f"{self._prefix}tally:{key}".encode()

    def pods(self, part: PodsPart) -> bytes:
        """Which pods there are."""
        return f"{self._prefix}pods:{{pods}}:{part}".encode()

    def work(self, queue: str) -> bytes:
        """What is to be done."""
        return f"{self._prefix}work:{{{queue}}}".encode()

    def work_aside(self, queue: str, group: str) -> bytes:
        """The dead letters: what a group has given up on."""
        return f"{self._prefix}work:{{{queue}}}:aside:{group}".encode()
