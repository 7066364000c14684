"""A socket and a logger that lead nowhere, for a parser that insists on having them."""


class NoSocket:
    """Stands for the socket of a connection that picows is not to touch."""

    def fileno(self) -> int:
        return -1

    def setsockopt(self, *_args: object) -> None: ...

    def getsockopt(self, *_args: object) -> int:
        return 0


class Mute:
    """A logger that says nothing, at no cost."""

    def isEnabledFor(self, _level: int) -> bool:  # noqa: N802 - logging's name
        return False

    def _say_nothing(self, *_args: object, **_kwargs: object) -> None: ...

    log = debug = info = warning = error = exception = _say_nothing
