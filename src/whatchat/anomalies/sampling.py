"""What happens too often to look at each time."""

from collections.abc import Callable
from typing import Final

from whatchat.anomalies.rules import CONNECTS_EACH, MESSAGES_EACH
from whatchat.anomalies.sighting import Sighting
from whatchat.domain.actor import Actor
from whatchat.domain.ids import DeviceId, UserId

MAX_KNOWN: Final = 50_000


class Sampling:
    """Implements ``Witness``: of so many alike, the last is a sighting.

    Above ``MAX_KNOWN`` people or devices everybody begins anew, as they do at :meth:`forget`.
    """

    def __init__(self, notice: Callable[[Sighting], None]) -> None:
        self._notice = notice
        self._messages: dict[UserId, int] = {}
        self._connects: dict[DeviceId, int] = {}

    def message_sent(self, user_id: UserId) -> None:
        number = self._messages.get(user_id, 0) + 1
        if number < MESSAGES_EACH:
            if number == 1 and len(self._messages) >= MAX_KNOWN:
                self._messages.clear()
            self._messages[user_id] = number
            return
        del self._messages[user_id]
        self._notice(Sighting(event="messages.sent", actor_id=user_id))

    def connected(self, actor: Actor) -> None:
        device_id = actor.device_id
        number = self._connects.get(device_id, 0) + 1
        if number < CONNECTS_EACH:
            if number == 1 and len(self._connects) >= MAX_KNOWN:
                self._connects.clear()
            self._connects[device_id] = number
            return
        del self._connects[device_id]
        seen = Sighting(event="connected", actor_id=actor.user_id, device_id=device_id)
        self._notice(seen)

    def forget(self) -> None:
        """Let everybody begin anew: no count is for ever."""
        self._messages.clear()
        self._connects.clear()
