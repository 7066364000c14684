"""Presence on the wire."""

from whatchat.domain.contract import Endpoint
from whatchat.features.presence.contract import (
    GetPresence,
    ListOnline,
    StatusChanged,
    UnwatchPresence,
    WatchPresence,
)
from whatchat.features.presence.service import PresenceService

ENDPOINTS = (
    Endpoint(GetPresence, PresenceService.get, socket="presence:get", cost="query"),
    Endpoint(WatchPresence, PresenceService.watch, socket="presence:watch", cost="query"),
    Endpoint(UnwatchPresence, PresenceService.unwatch, socket="presence:unwatch", cost="query"),
    Endpoint(ListOnline, PresenceService.online, http="GET /api/users/online", cost="query"),
)

EVENTS = (StatusChanged,)
