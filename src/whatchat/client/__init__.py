"""The Python client: :class:`WhatchatClient`, what it shows and what it tells."""

from whatchat.client.client import POLLING_FIRST, WEBSOCKET_FIRST, WhatchatClient
from whatchat.client.events import MessageChanged, MessageErased, MessageSent
from whatchat.client.views import Message, Participant, Room, SettingsPatch
from whatchat.domain.errors import ChatError
from whatchat.domain.models import User

__all__ = [
    "POLLING_FIRST",
    "WEBSOCKET_FIRST",
    "ChatError",
    "Message",
    "MessageChanged",
    "MessageErased",
    "MessageSent",
    "Participant",
    "Room",
    "SettingsPatch",
    "User",
    "WhatchatClient",
]
