"""Whether a pod or worker on this machine is alive, for container runtimes without probes.

``python -m whatchat.entrypoints.health`` is ``whatchat health`` without all else that the command
line loads: it is run every few seconds beside a pod, in its memory.
"""

import sys
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Final

from whatchat.settings import DEFAULT_PORT, BadSetting, load_settings

SECONDS: Final = 3.0
"""For each step of the question."""


def ask_health(port: int | None = None) -> str | None:
    """What is wrong with the pod or worker whose probes are on that port; ``None`` if nothing.

    Without a port it is where this process' settings say that probes are. Raises
    :class:`BadSetting`.
    """
    port = port or load_settings().internal_port or DEFAULT_PORT
    try:
        with closing(HTTPConnection("127.0.0.1", port, timeout=SECONDS)) as connection:
            connection.request("GET", "/livez", headers={"user-agent": "whatchat"})
            status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return f"no answer from port {port}: {reason}"
    return None if status == 200 else f"port {port} answers with status {status}"


def main() -> None:
    """End with status 0, or with 1 and a line that says what is wrong."""
    try:
        wrong = ask_health()
    except BadSetting as error:
        wrong = str(error)
    if wrong is not None:
        sys.exit(f"whatchat: {wrong}")


if __name__ == "__main__":
    main()
