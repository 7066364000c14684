"""What the audit log was told."""

from collections.abc import Sequence

from whatchat.domain.audit import Act, Kind, Record
from whatchat.domain.ports.audit_trail import AuditTrail


class Told:
    """Every record that a trail makes from now on."""

    def __init__(self, trail: AuditTrail) -> None:
        self.records: list[Record] = []
        trail.listen(self._take)

    def _take(self, records: Sequence[Record]) -> None:
        self.records += records

    @property
    def acts(self) -> list[Act]:
        """Everything that was done, in order."""
        return [one.act for one in self.records]

    def of(self, kind: Kind) -> list[Record]:
        """The records of one kind."""
        return [one for one in self.records if one.act.kind == kind]

    def clear(self) -> None:
        """Look only at what comes from here on."""
        self.records.clear()
