"""What may be said of a URL before it is asked for."""

import re
from typing import Final
from urllib.parse import urlsplit

_ABSOLUTE: Final = re.compile(r"https?://[^/\s?#@]+(/[^\s?#]*)?\Z")
_LOOPBACK: Final = re.compile(r"http://(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?(/|\Z)")


def http_url(host: str, port: int) -> str:
    """Where that port of a host is, by its name or by an address of either kind."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_absolute(url: str) -> bool:
    """Whether it names a server and nothing but a place there: no user, query or fragment."""
    return _ABSOLUTE.match(url) is not None


def is_private(url: str, *, loopback: bool) -> bool:
    """Whether nobody on the way can change the answer: TLS, or, where allowed, this machine."""
    return url.startswith("https://") or (loopback and _LOOPBACK.match(url) is not None)


def has_a_port(url: str) -> bool:
    """Whether it leads to a host at a port that there can be, given or by its scheme."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
