"""``python -m loadtests.swarm.views.pictures FOLDER``: draw what a run has left there."""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from loadtests.swarm.views.chart import Panel, save
from loadtests.swarm.views.panels import connections, memory, times
from loadtests.swarm.views.recording import Recording, read

PICTURES: Final[Mapping[str, tuple[str, Callable[[Recording], Iterator[Panel]]]]] = {
    "connections": ("Connections over time", connections),
    "latency": ("Times, of the ten seconds before each point", times),
    "memory": ("Memory", memory),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw all that there is something for; 1, and a line, if the folder cannot be read."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.swarm.views.pictures", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="where a run has put its results")
    folder: Path = parser.parse_args(arguments).folder
    try:
        recording = read(folder)
    except (OSError, ValueError, KeyError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"nothing can be drawn: {type(error).__name__}: {error}\n")
        return 1
    for path in draw(recording, folder):
        sys.stdout.write(f"{path}\n")
    return 0


def draw(recording: Recording, folder: Path) -> Iterator[Path]:
    """Write the pictures, the same bytes for the same run; none that would be empty."""
    summary = recording.summary
    about = f"{summary.scenario}, {summary.users:,} users, {summary.started:%Y-%m-%d}"
    for name, (title, panels_of) in PICTURES.items():
        if panels := list(panels_of(recording)):
            path = folder / f"{name}.svg"
            save(path, title, about, panels)
            yield path


if __name__ == "__main__":
    sys.exit(main())
