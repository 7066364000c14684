"""What a watch stands on, with everything that it did."""

from collections.abc import Callable, Sequence

from whatchat.adapters.embedded.tally import InProcessTally
from whatchat.anomalies.remedies import Remedies
from whatchat.anomalies.rule import Rule
from whatchat.anomalies.rules import RULES
from whatchat.anomalies.sighting import Sighting
from whatchat.anomalies.watch import Watch
from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.audit import Act, Party, Record, party
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import UserId
from whatchat.domain.ports.limiter import Charge
from whatchat.domain.ports.tally import Tally
from whatchat.observability.metrics import Metrics


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Paper:
    """An audit trail that only remembers."""

    def __init__(self) -> None:
        self.written: list[tuple[Party, Act]] = []

    async def record(self, who: Actor | Visitor | Party, *acts: Act) -> None:
        self.written += [(party(who), act) for act in acts]

    def mention(self, who: Actor | Visitor | Party, act: Act) -> None:
        self.written.append((party(who), act))

    def listen(self, notify: Callable[[Sequence[Record]], None]) -> None:
        """Nobody hears anything."""


class Door:
    """Moderation that remembers whom it put out; it fails as often as it is told to."""

    def __init__(self) -> None:
        self.put_out: list[tuple[UserId, Party]] = []
        self.failures: list[ChatError] = []

    async def sign_out(self, user_id: UserId, *, by: Party) -> int:
        if self.failures:
            raise self.failures.pop()
        self.put_out.append((user_id, by))
        return 1

    async def ban(self, user_id: UserId, *, by: Party, reason: str | None = None) -> None:
        raise AssertionError("nobody is banned by a rule")

    async def unban(self, user_id: UserId, *, by: Party) -> None:
        raise AssertionError("nobody is let in by a rule")


class Brake:
    """A limiter that remembers whom it slowed down."""

    def __init__(self) -> None:
        self.slowed: list[tuple[str, int, int]] = []

    async def charge(self, charges: Sequence[Charge]) -> int:
        raise AssertionError("nothing is charged here")

    async def slow_down(self, owner: str, *, factor: int, seconds: int) -> None:
        self.slowed.append((owner, factor, seconds))

    async def forgive(self, owner: str) -> None:
        raise AssertionError("nobody is forgiven here")

    async def factor_of(self, owner: str) -> int:
        raise AssertionError("nobody asks here")


class Guard:
    """A watch on a clock of its own, and what it did."""

    def __init__(
        self, rules: Sequence[Rule] = RULES, *, tally: Tally | None = None, slows: bool = True
    ) -> None:
        self.clock = Clock()
        self.paper, self.door, self.brake = Paper(), Door(), Brake()
        self.metrics = Metrics()
        brake = self.brake if slows else None
        remedies = Remedies(self.door, brake, self.paper, self.metrics, pause_seconds=0)
        self.tally = tally or InProcessTally(self.clock)
        self.watch = Watch(rules, self.tally, remedies, self.metrics)

    async def see(self, *sightings: Sighting) -> None:
        """Look at these, one after the other."""
        for one in sightings:
            await self.watch.look([one])

    @property
    def found(self) -> list[str]:
        """The rules that were broken, in order."""
        return [act.detail or "" for _, act in self.paper.written]
