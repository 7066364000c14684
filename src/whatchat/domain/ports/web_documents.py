"""Documents of other servers."""

from typing import Protocol


class WebDocuments(Protocol):
    """Reads small documents over HTTP."""

    async def read(self, url: str) -> bytes:
        """What is at exactly this URL: redirects are not followed.

        Raises ``Unavailable`` for any other answer than 200, one that is too large, and one
        that is late.
        """
        ...
