"""States made comparable: what a live client holds against what a fresh ``sync`` gives."""

from typing import Any

import msgspec

from whatchat.client.room_view import RoomView
from whatchat.client.state import State
from whatchat.domain.ids import RoomId

SNAPSHOT_MESSAGES = 50


def comparable(state: State) -> dict[RoomId, dict[str, Any]]:
    """All that a state says of its rooms, as plain data.

    A live client may hold more messages than a snapshot brings: the latest 50 count.
    """
    return {room_id: comparable_room(view) for room_id, view in state.rooms.items()}


def comparable_room(view: RoomView) -> dict[str, Any]:
    """One room of :func:`comparable`."""
    messages = list(view.messages.values())[-SNAPSHOT_MESSAGES:]
    return {
        "cursor": view.cursor,
        "room": msgspec.to_builtins(view.room),
        "messages": msgspec.to_builtins(messages),
        "receipts": msgspec.to_builtins(dict(sorted(view.receipts.items()))),
    }
