"""Who does what when: several servers, each of which does every work in every round."""

from collections.abc import Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from loadtests.bench.plan import ServerName

Work = TypeVar("Work")


class Turn(NamedTuple, Generic[Work]):
    """One server does one work."""

    round: int
    work: Work
    server: ServerName

    def __str__(self) -> str:
        return f"round {self.round}, {self.work}, {self.server}"


def turns(
    rounds: int, works: Sequence[Work], servers: Sequence[ServerName]
) -> Iterator[Turn[Work]]:
    """Servers take turns within each work; who begins changes with the round."""
    for number in range(rounds):
        first = number % len(servers)
        for work in works:
            for server in (*servers[first:], *servers[:first]):
                yield Turn(number + 1, work, server)
