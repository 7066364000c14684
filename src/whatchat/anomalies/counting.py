"""When a rule's threshold is reached."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from whatchat.anomalies.rule import Counts, Rule
from whatchat.anomalies.sighting import Event, Sighting, Subject
from whatchat.domain.ports.tally import Tally

MOST_COMPARED: Final = 1_000
"""Up to so many, one count can be compared with another."""

_OF: Final = "{}/of"


class Counting:
    """Counts sightings by the rules, on all pods together."""

    def __init__(self, rules: Sequence[Rule], tally: Tally) -> None:
        self._rules = _by_event(rules)
        self._tally = tally

    def rules_for(self, event: Event) -> Sequence[Rule]:
        """The rules that look at an event."""
        return self._rules.get(event, ())

    async def find(self, rule: Rule, sighting: Sighting) -> Subject | None:
        """Count a sighting; whom the rule is broken by with it, if nobody has found that yet.

        On whatever pod, a subject is found once within the rule's window.
        """
        if rule.share is not None:
            await self._add(_OF.format(rule.name), rule, rule.share.of, sighting)
        subject = rule.counts.subject(sighting)
        if subject is None or not await self._is_shared(rule, subject, sighting):
            return None
        seen = await self._add(rule.name, rule, rule.counts, sighting)
        if seen < rule.sightings or not await self._is_share(rule, subject, seen):
            return None
        return subject if await self._is_first(rule, subject) else None

    async def _add(self, name: str, rule: Rule, counts: Counts, sighting: Sighting) -> int:
        subject, member = counts.subject(sighting), counts.member(sighting)
        if subject is None or (counts.different and member is None):
            return 0
        return await self._tally.add(
            f"{name}:{subject.name}",
            seconds=rule.seconds,
            most=MOST_COMPARED if rule.share else rule.sightings,
            member=member,
            times=sighting.count,
        )

    async def _is_shared(self, rule: Rule, subject: Subject, sighting: Sighting) -> bool:
        """Whether what is counted is there in the count that it is held against."""
        if rule.share is None:
            return True
        key, member = _whole(rule, subject), rule.counts.member(sighting)
        return await self._tally.count(key, seconds=rule.seconds, member=member) > 0

    async def _is_share(self, rule: Rule, subject: Subject, seen: int) -> bool:
        if rule.share is None:
            return True
        whole = await self._tally.count(_whole(rule, subject), seconds=rule.seconds)
        return whole * rule.share.part <= seen

    async def _is_first(self, rule: Rule, subject: Subject) -> bool:
        """Nothing is added while it is known: what goes on is found again after the window."""
        key = f"{rule.name}/found:{subject.name}"
        if await self._tally.count(key, seconds=rule.seconds):
            return False
        return await self._tally.add(key, seconds=rule.seconds, most=2) == 1


def _whole(rule: Rule, subject: Subject) -> str:
    """Where that is counted of which the rule's own count is a share."""
    return f"{_OF.format(rule.name)}:{subject.name}"


def _by_event(rules: Sequence[Rule]) -> Mapping[Event, Sequence[Rule]]:
    found: dict[Event, list[Rule]] = defaultdict(list)
    for rule in rules:
        also = rule.share.of.events if rule.share else ()
        for event in dict.fromkeys((*rule.counts.events, *also)):
            found[event].append(rule)
    return found
