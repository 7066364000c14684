"""Secrets that are given as files, as orchestrators mount them."""

from collections.abc import Iterable, Mapping
from pathlib import Path


def secrets_from_files(
    environ: Mapping[str, str], names: Iterable[str], *, prefix: str
) -> dict[str, str]:
    """The settings among ``names`` for which ``<prefix><NAME>_FILE`` names a file, as it says.

    One line break at the end is not part of a secret. ``ValueError``, in one line that names
    the variable, if the variable itself is given as well, or if the file cannot be read or is
    empty.
    """
    given = {name.upper(): value for name, value in environ.items() if value}
    found = {}
    for name in names:
        variable = f"{prefix}{name.upper()}"
        path = given.get(f"{variable}_FILE")
        if path is not None:
            if variable in given:
                raise ValueError(f"{variable}: set either this or {variable}_FILE, not both")
            found[name] = _read(f"{variable}_FILE", Path(path))
    return found


def _read(variable: str, path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ValueError(f"{variable}: the file is not UTF-8") from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a path"
        raise ValueError(f"{variable}: the file cannot be read: {reason}") from None
    if not text:
        raise ValueError(f"{variable}: the file is empty")
    return text
