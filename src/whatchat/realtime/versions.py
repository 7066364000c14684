"""The versions that the seams were made for."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

VERSIONS: Final = {
    "httptools": "0.9.0",
    "picows": "2.3.1",
    "python-engineio": "4.15.1",
    "python-socketio": "5.18.1",
    "uvicorn": "0.54.0",
}


class WrongVersion(SystemExit):
    """A library is not the version that the seams were made for: one line, and status 1."""


def require_versions() -> None:
    """Raise :class:`WrongVersion` unless the libraries are those pinned."""
    for name, wanted in VERSIONS.items():
        if (found := _installed(name)) != wanted:
            raise WrongVersion(f"whatchat: {name}=={wanted} is needed, found {found}")


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
