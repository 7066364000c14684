"""Which sockets of a pod watch whom."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from whatchat.domain.errors import Invalid
from whatchat.domain.ids import SessionId, UserId

MAX_WATCHED: Final = 500
"""So many people at most are watched over one socket."""


class Watches:
    """Indexed by socket and by who is watched; a socket's watches end with it."""

    def __init__(self) -> None:
        self._watched: dict[SessionId, set[UserId]] = {}
        self._watching: dict[UserId, dict[SessionId, UserId]] = {}

    def begin(
        self, session_id: SessionId, viewer_id: UserId, user_ids: Collection[UserId]
    ) -> list[UserId]:
        """Watch these people, and return those who were not; ``Invalid`` if they are too many."""
        watched = self._watched.get(session_id, set())
        new = [user_id for user_id in dict.fromkeys(user_ids) if user_id not in watched]
        if len(watched) + len(new) > MAX_WATCHED:
            raise Invalid(f"a socket watches {MAX_WATCHED} people at most", field="userIds")
        if new:
            self._watched.setdefault(session_id, set()).update(new)
        for user_id in new:
            self._watching.setdefault(user_id, {})[session_id] = viewer_id
        return new

    def end(self, session_id: SessionId, user_ids: Iterable[UserId]) -> None:
        """Watch these people no longer."""
        watched = self._watched.get(session_id, set())
        for user_id in watched & set(user_ids):
            watched.discard(user_id)
            del self._watching[user_id][session_id]
            if not self._watching[user_id]:
                del self._watching[user_id]
        if not watched:
            self._watched.pop(session_id, None)

    def end_all(self, session_id: SessionId) -> None:
        """The socket is gone."""
        self.end(session_id, tuple(self._watched.get(session_id, ())))

    def of(self, user_id: UserId) -> Mapping[SessionId, UserId]:
        """The sockets that watch somebody, and whose each is."""
        return self._watching.get(user_id, {})

    def by(self, viewer_id: UserId, user_id: UserId) -> Sequence[SessionId]:
        """The viewer's sockets that watch somebody."""
        return [one for one, viewer in self.of(user_id).items() if viewer == viewer_id]
