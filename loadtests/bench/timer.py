"""An alarm that epoll can wait for, to the microsecond; epoll's own timeout has milliseconds."""

import ctypes
import os
from typing import Final

_CLOCK_MONOTONIC: Final = 1
_ABSOLUTE: Final = 1
_NONBLOCK: Final = os.O_NONBLOCK
_NS: Final = 1_000_000_000


class _Spec(ctypes.Structure):
    """``struct itimerspec``."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


class Timer:
    """One ``timerfd`` on the clock of :func:`time.monotonic_ns`."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.fd: int = self._libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._spec = _Spec()
        self._armed = 0

    def arm(self, at_ns: int) -> None:
        """Make ``fd`` readable at that time, at once if it is past, and not before."""
        if at_ns == self._armed:
            return
        self._armed = at_ns
        self._spec.value_s, self._spec.value_ns = divmod(max(at_ns, 1), _NS)
        if self._libc.timerfd_settime(self.fd, _ABSOLUTE, ctypes.byref(self._spec), None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def close(self) -> None:
        """Let go of the descriptor."""
        os.close(self.fd)
