"""Figures in a page that people write: a program's own part of it stands between two comments."""

from pathlib import Path


def put(text: str, path: Path, name: str) -> None:
    """Put a text into a page, in the place of the one of that name; or make the page."""
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    opening, closing = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, begin, rest = page.partition(opening)
    _, end, after = rest.partition(closing)
    whole = f"{before}{opening}\n\n{text}\n{closing}{after}" if begin and end else text
    path.write_text(whole, encoding="utf-8")
