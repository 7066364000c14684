"""Sessions: commands and events, as rows."""

from whatchat.domain.contract import Endpoint
from whatchat.domain.signals import (
    ErrorRaised,
    RoomRevTaken,
    SessionClosing,
    SessionExpiring,
    SessionMoving,
    SessionResync,
)
from whatchat.features.sessions.contract import RefreshSession, SessionReady
from whatchat.features.sessions.service import SessionService

ENDPOINTS = (Endpoint(RefreshSession, SessionService.refresh, socket="session:refresh"),)

EVENTS = (
    SessionReady,
    SessionClosing,
    SessionResync,
    SessionMoving,
    SessionExpiring,
    ErrorRaised,
    RoomRevTaken,
)
