"""``python -m dashboards.source`` writes the dashboards; with ``--check`` it finds drift."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.source import broker, debug, load, overview, pods, rollouts, store

FOLDER: Final = Path(__file__).parents[1]
MODULES: Final = (overview, debug, pods, broker, store, rollouts, load)


def documents() -> Iterator[tuple[str, str]]:
    """The name of each file and what is in it."""
    for module in MODULES:
        dashboard: Dashboard = module.dashboard()
        name = (dashboard.uid or "").removeprefix("whatchat-")
        text = json.dumps(dashboard, cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False)
        yield f"{name}.json", f"{text}\n"


def main() -> int:
    """Write what is made, or with ``--check`` say what would be written; 1 if anything."""
    parser = argparse.ArgumentParser(prog="python -m dashboards.source", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail on drift")
    checking = parser.parse_args().check
    drifted = [name for name, text in documents() if not _holds(FOLDER / name, text)]
    made = {name for name, _ in documents()}
    drifted += [path.name for path in FOLDER.glob("*.json") if path.name not in made]
    if checking and drifted:
        sys.stderr.write(f"dashboards: {', '.join(drifted)} differ; run `make dashboards`\n")
        return 1
    if not checking:
        for name, text in documents():
            (FOLDER / name).write_text(text)
        for name in set(drifted) - made:
            (FOLDER / name).unlink()
    return 0


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main())
