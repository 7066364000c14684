"""The versions that the seams were made for."""

from importlib.metadata import version
from typing import Final

VERSIONS: Final = {
    "httptools": "0.9.0",
    "picows": "2.3.1",
    "python-engineio": "4.15.1",
    "python-socketio": "5.18.1",
    "uvicorn": "0.54.0",
}


class WrongVersion(RuntimeError):
    """A library is not the version that the seams were made for."""


def require_versions() -> None:
    """Raise :class:`WrongVersion`, in one line, unless the libraries are those pinned."""
    for name, wanted in VERSIONS.items():
        if (found := version(name)) != wanted:
            raise WrongVersion(f"whatchat needs {name}=={wanted}, found {found}")
