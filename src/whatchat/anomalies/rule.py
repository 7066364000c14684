"""What one rule says."""

from typing import Literal, TypeAlias

from msgspec import Struct

from whatchat.anomalies.sighting import By, Event, Sighting, Subject

Action: TypeAlias = Literal["log", "alert", "slow_down", "sign_out"]
"""What is done: a line in the log, a warning there, and on top of that something to the user."""

Whom: TypeAlias = Literal["actor", "account"]


class BadRule(ValueError):
    """A rule makes no sense; the text says why."""


class Counts(Struct, frozen=True, kw_only=True):
    """What is counted: sightings of ``events``, each once for its subject.

    ``different``: only different ones of these count. An ``outcome`` or ``detail`` of ``None``
    is any.
    """

    events: tuple[Event, ...]
    by: By
    outcome: str | None = None
    detail: str | None = None
    different: Whom | None = None

    def takes(self, sighting: Sighting) -> bool:
        """Whether a sighting counts."""
        return (
            sighting.event in self.events
            and self.outcome in {None, sighting.outcome}
            and self.detail in {None, sighting.detail}
        )

    def subject(self, sighting: Sighting) -> Subject | None:
        """For whom a sighting counts, if for anybody."""
        return sighting.subject(self.by) if self.takes(sighting) else None

    def member(self, sighting: Sighting) -> str | None:
        """By what one sighting is told from another; ``None``: each is one of its own."""
        match self.different:
            case "actor":
                return sighting.actor_id
            case "account":
                return sighting.account_id
        return None


class Share(Struct, frozen=True, kw_only=True):
    """At least this part of another count of the same subject and window.

    Only what that one counts as well is counted.
    """

    part: float
    of: Counts


class Rule(Struct, frozen=True, kw_only=True):
    """``threshold`` of what it ``counts`` within ``seconds`` are an anomaly.

    ``name`` is the metric's label too; ``about`` says what is counted, for people. ``each`` is
    how many of these one sighting stands for. While the anomaly goes on it is found once in
    ``seconds``. ``slow_factor`` and ``slow_seconds`` are for the action ``slow_down``. Raises
    :class:`BadRule` if that cannot be.
    """

    name: str
    about: str
    counts: Counts
    threshold: int
    seconds: int
    action: Action
    share: Share | None = None
    each: int = 1
    slow_factor: int = 4
    slow_seconds: int = 900

    def __post_init__(self) -> None:
        if self.action in {"slow_down", "sign_out"} and self.counts.by == "network":
            raise BadRule(f"{self.action} needs a user, and this counts networks")
        if self.action == "sign_out" and "report.filed" in self.counts.events:
            raise BadRule("nobody is signed out for what others report")
        if self.threshold % self.each:
            raise BadRule(f"threshold is counted in steps of {self.each}")

    def concerns(self, sighting: Sighting) -> bool:
        """Whether a sighting is anything to this rule."""
        return self.counts.takes(sighting) or (
            self.share is not None and self.share.of.takes(sighting)
        )

    @property
    def sightings(self) -> int:
        """How many sightings reach the threshold."""
        return self.threshold // self.each
