"""A store that may be out of reach."""

from datetime import datetime
from typing import Any

from whatchat.domain.errors import Unavailable
from whatchat.domain.ports.account_store import AccountStore


class Line:
    """The account store behind a line that can be cut for one ``question``.

    ``asked`` are the moments since which something was asked for, in order.
    """

    def __init__(self, accounts: AccountStore, question: str) -> None:
        self._accounts = accounts
        self._question = question
        self.cut = False
        self.asked: list[datetime | None] = []

    def __getattr__(self, name: str) -> Any:
        return self._ask if name == self._question else getattr(self._accounts, name)

    async def _ask(self, moment: datetime | None) -> Any:
        self.asked.append(moment)
        if self.cut:
            raise Unavailable
        return await getattr(self._accounts, self._question)(moment)
