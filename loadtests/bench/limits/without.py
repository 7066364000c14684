"""``whatchat`` without an audit trail: what limits and audit cost is held against it."""

from whatchat import pod
from whatchat.__main__ import app
from whatchat.audit.trail import Trail
from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.audit import Act, Party


class Silent(Trail):
    """Implements ``AuditTrail``, and keeps nothing."""

    async def record(self, who: Actor | Visitor | Party, *acts: Act) -> None:
        """Nothing is kept."""

    def mention(self, who: Actor | Visitor | Party, act: Act) -> None:
        """The same."""


vars(pod)["Trail"] = Silent

if __name__ == "__main__":
    app()
