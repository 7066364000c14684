"""Who connects, and to which rooms they belong."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from loadtests.bench.frames import masked
from whatchat.domain.ids import DeviceId, GrantId, UserId, random_id
from whatchat.features.accounts.access_tokens import AccessTokens
from whatchat.features.accounts.keys import KeyRing

SECRET: Final = "what every server of the benchmark checks tokens with"


class Person(NamedTuple):
    """Somebody's place, and the frame that signs them in; ``room_id`` where the load needs it."""

    room: int
    connect: bytes
    room_id: str = ""


def people(count: int, room_size: int) -> list[Person]:
    """So many people with fresh tokens, in rooms of ``room_size``; the last may be smaller."""
    return [
        Person(number // room_size, masked(b'40{"token":"%b"}' % token.encode()))
        for number, token in enumerate(tokens(count, room_size))
    ]


def tokens(count: int, room_size: int) -> Iterator[str]:
    """Everybody's token, fresh.

    A token's ``sub`` is ``<person>-<room>``: that is how every server knows the room.
    """
    issuer = AccessTokens(KeyRing.of_secret(SECRET.encode()))
    at, device = datetime.now(UTC), DeviceId("bench")
    for number in range(count):
        user = UserId(f"u{number:05d}-r{number // room_size:05d}")
        yield issuer.issue(user, device, GrantId(random_id()), jti=random_id(), at=at)
