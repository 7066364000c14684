"""Which metrics and labels an expression names; no parser, but strict: what is left over shows."""

import re
from collections.abc import Iterator
from typing import Final

_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_MATCHERS: Final = re.compile(r"\{([^}]*)\}")
_GROUPING: Final = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_RANGE: Final = re.compile(r"\[[^]]*\]|\boffset\s+\w+")
_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*\()(?![a-zA-Z0-9_:])")
_WORDS: Final = frozenset({"and", "or", "unless", "bool", "sum", "max", "min", "avg"})
_SELECTED: Final = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^}]*)\}")
_MATCHER: Final = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')


def metrics(expression: str) -> set[str]:
    """The names of all series that it reads."""
    bare = _RANGE.sub(" ", _GROUPING.sub(" ", _MATCHERS.sub(" ", _TEXT.sub('""', expression))))
    return {name for name in _NAME.findall(bare) if name not in _WORDS}


def groupings(expression: str) -> set[str]:
    """The labels that it groups and matches by."""
    lists = _GROUPING.findall(expression)
    return {label.strip() for one in lists for label in one.split(",") if label.strip()}


def matchers(expression: str) -> Iterator[tuple[str, str, str]]:
    """Each matcher's metric, label and value."""
    for metric, inside in _SELECTED.findall(expression):
        for label, value in _MATCHER.findall(inside):
            yield metric, label, value
