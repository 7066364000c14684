"""Asking sentinels which server is the master."""

from collections.abc import Sequence

from msgspec.structs import replace

from whatchat.adapters.redis.dialing import Access, Unreachable, connect, problem
from whatchat.adapters.redis.refusal import Refused
from whatchat.adapters.redis.url import Address
from whatchat.domain.errors import Unavailable


class Sentinels:
    """Several sentinels; the first that answers is asked first the next time.

    A sentinel may not know of a failover yet: whoever connects checks that it is the
    master, and asks again if not.
    """

    def __init__(
        self, addresses: Sequence[Address], master: str, access: Access, password: str | None
    ) -> None:
        self._addresses = list(addresses)
        self._master = master
        self._password = password
        # Failover must not wait long for a sentinel that died together with the master.
        self._access = replace(access, patience_seconds=access.patience_seconds / 2)

    async def __call__(self) -> Address:
        """The master's address. Raises ``Unavailable`` if no sentinel knows it."""
        problems: list[Unavailable] = []
        for address in tuple(self._addresses):
            try:
                found = await self._ask(address)
            except Unavailable as error:
                problems.append(error)
                continue
            self._addresses.remove(address)
            self._addresses.insert(0, address)
            return found
        are_away = all(isinstance(one, Unreachable) for one in problems)
        raise (Unreachable if are_away else Unavailable)("; ".join(one.text for one in problems))

    async def _ask(self, sentinel: Address) -> Address:
        link = await connect(sentinel, self._access)
        try:
            if self._password is not None:
                await link.ask("AUTH", self._password)
            found = await link.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._master)
        except Refused as error:
            raise problem(sentinel, f"refuses: {error.reply}") from None
        except Unavailable:
            raise problem(sentinel, link.fault) from None
        finally:
            link.close()
        if found is None:
            raise problem(sentinel, f"knows no master named {self._master}")
        host, port = found
        return host.decode(), int(port)
