"""What a store URL may say."""

from typing import Any, Final
from urllib.parse import parse_qsl

from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

from whatchat.domain.ports.store import Unusable

MAX_POOL: Final = 64
DEFAULT_DATABASE: Final = "whatchat"

# What the promises rest on, under the names that a URL has for it, in lower case.
_FIXED: Final = {
    "w": ("w", "majority"),
    "journal": ("journal", "true"),
    "readconcernlevel": ("readConcernLevel", "majority"),
    "readpreference": ("readPreference", "primary"),
    "retrywrites": ("retryWrites", "true"),
    "loadbalanced": ("loadBalanced", "false"),
}


def client_options(url: str) -> dict[str, Any]:
    """What the client is given beside ``url``.

    Raises :class:`Unusable` where the URL cannot be read, or asks for less than the store
    promises. The text holds nothing of what stands before the host.
    """
    address, _, query = url.partition("?")
    if not address.startswith("mongodb+srv://"):
        _require_address(address)
    given = {name.lower(): value for name, value in parse_qsl(query, keep_blank_values=True)}
    for name, (label, needed) in _FIXED.items():
        if given.get(name, needed).lower() != needed:
            raise Unusable(f"the URL must not set {label} to anything but {needed}")
    options: dict[str, Any] = {
        "w": "majority",
        "journal": True,
        "readConcernLevel": "majority",
        "readPreference": "primary",
        "retryWrites": True,
        "appname": "whatchat",
        "tz_aware": True,
    }
    if "maxpoolsize" not in given:
        options["maxPoolSize"] = MAX_POOL
    return options


def _require_address(address: str) -> None:
    try:
        parse_uri(address, warn=False)
    except (PyMongoError, ValueError):
        raise Unusable(
            "the URL is not mongodb://[user:password@]host[:port],…/[database];"
            " a user's name and password are percent-encoded"
        ) from None
