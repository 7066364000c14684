"""Typing on the wire."""

from whatchat.domain.contract import Endpoint
from whatchat.features.typing.contract import (
    StartTyping,
    StopTyping,
    TypingStarted,
    TypingStopped,
)
from whatchat.features.typing.service import TypingService

ENDPOINTS = (
    Endpoint(StartTyping, TypingService.start, socket="typing:start", cost="typing"),
    Endpoint(StopTyping, TypingService.stop, socket="typing:stop", cost="typing"),
)

EVENTS = (TypingStarted, TypingStopped)
