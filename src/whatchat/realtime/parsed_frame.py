"""What a parser of WebSocket frames hands over."""

from typing import Protocol


class ParsedFrame(Protocol):
    """What picows makes of a frame; valid until the callback returns."""

    msg_type: int
    fin: int
    rsv1: int
    rsv2: int
    rsv3: int
    payload_size: int
    tail_size: int

    def get_payload_as_bytes(self) -> bytes: ...

    def get_payload_as_utf8_text(self) -> str:
        """Raises ``UnicodeDecodeError``."""
        ...


class FrameSink(Protocol):
    """Takes frames as they are parsed."""

    def frame_came(self, frame: ParsedFrame) -> None: ...
