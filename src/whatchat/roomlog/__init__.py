"""The one writer of each room: decides, appends, announces."""

from whatchat.roomlog.room_log import OrderedRoomLog

__all__ = ["OrderedRoomLog"]
