"""The error table, as the documents show it."""

from collections.abc import Iterator

from whatchat.domain.errors import ChatError, Unparsable
from whatchat.entrypoints.errors import STATUS, UNPARSABLE_STATUS
from whatchat.entrypoints.schema.components import summary_of

ErrorRow = tuple[int, type[ChatError]]


def error_rows() -> list[ErrorRow]:
    """Every error and its HTTP status, by status."""
    rows = [(STATUS[kind.code], kind) for kind in _kinds()]
    return sorted([*rows, (UNPARSABLE_STATUS, Unparsable)], key=lambda row: row[0])


def error_table() -> str:
    """The table in Markdown."""
    lines = ["| code | HTTP | retryable | when |", "|---|---|---|---|"]
    lines += [
        f"| `{kind.code}` | {status} | {'yes' if kind.retryable else 'no'} | {summary_of(kind)} |"
        for status, kind in error_rows()
    ]
    return "\n".join(lines)


def _kinds() -> Iterator[type[ChatError]]:
    """One class per code: those directly below the base."""
    for kind in ChatError.__subclasses__():
        if kind.__module__ == ChatError.__module__:
            yield kind
