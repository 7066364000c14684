"""PromQL as it is written in these files, and what Grafana is given.

A query names metrics and leaves out whose they are: each selector gets the filters of the
dashboard's variables here, so that none can forget them. Names and labels that nobody exposes
are refused, and so is ``vector()``: a panel without data shall look like one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dashboards.source.vocabulary import PLACES, Vocabulary

RATE: Final = "[$__rate_interval]"
RANGE: Final = "[$__range]"

SAME: Final = "on (cluster, namespace, job, instance)"
OURS: Final = f"and {SAME} whatchat_build_info"
"""Of what every program exposes under the same name, the product's own."""

_TOKEN: Final = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*")
      | (?P<window>\[[^\]]*\])
      | (?P<offset>offset\s+\S+)
      | (?P<number>\d[\d.a-z]*)
      | (?P<name>[a-zA-Z_:$][\w:$]*)
      | (?P<mark>=~|!~|!=|==|>=|<=|[^\s\w])
      | (?P<space>\s+)""",
    re.VERBOSE,
)
_GROUPING: Final = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORDS: Final = frozenset({"and", "or", "unless", "bool", "inf", "nan"})
_FUNCTIONS: Final = frozenset(
    {
        "avg",
        "avg_over_time",
        "clamp_max",
        "clamp_min",
        "count",
        "histogram_quantile",
        "increase",
        "last_over_time",
        "max",
        "max_over_time",
        "min",
        "rate",
        "sum",
        "sum_over_time",
        "time",
        "topk",
    }
)


class WrongQuery(ValueError):
    """A query that names what there is not; the text says what."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def scoped(query: str, vocabulary: Vocabulary) -> str:
    """The query with the variables' filters in every selector; raises :class:`WrongQuery`."""
    tokens = list(_tokens(" ".join(query.split())))
    metrics = _metrics(tokens, vocabulary)
    labels = frozenset().union(PLACES, *(vocabulary.labels(name) for name in metrics))
    return "".join(_Scoping(query, tokens, labels, vocabulary).parts())


class _Scoping:
    """One walk over a query's tokens."""

    def __init__(
        self, query: str, tokens: list[_Token], labels: frozenset[str], vocabulary: Vocabulary
    ) -> None:
        self._query = query
        self._tokens = tokens
        self._labels = labels
        self._vocabulary = vocabulary
        self._at = 0

    def parts(self) -> Iterator[str]:
        """The query's texts, with filters between them."""
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            yield token.text
            if token.kind != "name" or token.text in _WORDS | _FUNCTIONS:
                continue
            if token.text in _GROUPING:
                yield self._enclosed("(", ")", self._labels)
            else:
                own = self._vocabulary.labels(token.text) | PLACES
                asked = self._enclosed("{", "}", own).strip("{}")
                filters = self._vocabulary.filters(token.text)
                yield "{" + ",".join(filter(None, [filters, asked])) + "}"

    def _enclosed(self, opening: str, closing: str, allowed: frozenset[str]) -> str:
        """What stands between such marks, if they follow, with names that are all allowed."""
        start = self._at
        while start < len(self._tokens) and self._tokens[start].kind == "space":
            start += 1
        if start == len(self._tokens) or self._tokens[start].text != opening:
            return ""
        end = next(at for at in range(start, len(self._tokens)) if self._tokens[at].text == closing)
        between, self._at = self._tokens[self._at : end + 1], end + 1
        for token in between:
            if token.kind == "name" and token.text not in allowed:
                raise WrongQuery(f"{self._query}: there is no label {token.text}")
        return "".join(token.text for token in between)


def _metrics(tokens: list[_Token], vocabulary: Vocabulary) -> frozenset[str]:
    """The names that are metrics: whatever is no function, keyword or label."""
    found, enclosed = set(), ""
    seen = [token for token in tokens if token.kind != "space"]
    for before, token in zip([_Token("", ""), *seen], seen, strict=False):
        if token.text == "{" or (token.text == "(" and before.text in _GROUPING):
            enclosed = "}" if token.text == "{" else ")"
        elif token.text == enclosed:
            enclosed = ""
        elif token.kind == "name" and not enclosed:
            found.add(token.text)
    found -= _GROUPING | _WORDS | _FUNCTIONS
    for name in sorted(found):
        if name not in vocabulary:
            raise WrongQuery(f"there is no metric or function {name}")
    return frozenset(found)


def _tokens(query: str) -> Iterator[_Token]:
    at = 0
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None:
            raise WrongQuery(f"{query}: cannot be read at {query[at:]}")
        at = match.end()
        yield _Token(match.lastgroup or "", match[0])
