"""Whether a server of a test answers yet."""

import contextlib
import http.client

TRY_SECONDS = 2


def answers(port: int, path: str) -> bool:
    """Whether it is there and says 200."""
    probe = http.client.HTTPConnection("127.0.0.1", port, timeout=TRY_SECONDS)
    with contextlib.closing(probe), contextlib.suppress(OSError, http.client.HTTPException):
        probe.request("GET", path)
        return probe.getresponse().status == 200
    return False
