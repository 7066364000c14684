"""Least squares: what each of some causes adds to an effect."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

SMALL: Final = 0.05
"""An effect below such a share of the largest counts as little as that: it is mostly noise."""

DIGITS: Final = 6
"""Figures are rounded to so many, which no processor's own way of adding up reaches."""

Row = Mapping[str, float]


class Coefficient(Struct, frozen=True, kw_only=True):
    """What one unit of a cause adds, and its standard error."""

    value: float
    error: float


class Fit(Struct, frozen=True, kw_only=True):
    """An effect as the sum of what its causes add, and how well that is so.

    ``residuals`` are the differences of what the sum says from what was measured, in per cent
    of the latter, or of what is small beside the largest if it is less than that.
    """

    coefficients: dict[str, Coefficient]
    residuals: tuple[float, ...]

    def at(self, causes: Row) -> float:
        """The effect of so much of each cause; one that is not named is not there."""
        return sum(one.value * causes.get(name, 0) for name, one in self.coefficients.items())

    @property
    def mean_error(self) -> float:
        """How far the sum is off in the mean, in per cent."""
        return sum(map(abs, self.residuals)) / len(self.residuals)

    @property
    def worst_error(self) -> float:
        """How far it is off where it is worst, in per cent."""
        return max(map(abs, self.residuals))


def fitted(causes: Sequence[Row], effects: Sequence[float], names: Sequence[str]) -> Fit:
    """What each named cause adds, none of them less than nothing.

    Differences count in proportion to the effect, so that small effects are met as well as
    large ones. A cause that would take something away is left out, as nothing here does.
    """
    kept = [name for name in names if any(row.get(name, 0) for row in causes)]
    sizes = [max(effect, SMALL * max(effects)) for effect in effects]
    weights = 1 / np.asarray(sizes)
    while True:
        matrix = np.asarray([[row.get(name, 0.0) for name in kept] for row in causes])
        solved = _solve(matrix * weights[:, None], np.asarray(effects) * weights)
        least = min(solved, key=lambda one: one.value)
        if least.value >= 0 or len(kept) == 1:
            break
        del kept[solved.index(least)]
    found = dict(zip(kept, solved, strict=True)) | _nothing(set(names) - set(kept))
    fit = Fit(coefficients={name: found[name] for name in names}, residuals=())
    measured = zip(causes, effects, sizes, strict=True)
    off = [100 * (fit.at(row) - effect) / size for row, effect, size in measured]
    return Fit(coefficients=fit.coefficients, residuals=tuple(off))


def _solve(matrix: np.ndarray, wanted: np.ndarray) -> list[Coefficient]:
    """The coefficients, each column scaled to the same size first, and their standard errors."""
    rows, columns = matrix.shape
    if rows < columns:
        raise ValueError(f"{columns} causes cannot be told apart by {rows} measurements")
    sizes = np.abs(matrix).max(axis=0)
    scaled = matrix / sizes
    values, _, rank, _ = np.linalg.lstsq(scaled, wanted, rcond=None)
    if rank < columns:
        raise ValueError("some causes always come together and cannot be told apart")
    variance = float(((scaled @ values - wanted) ** 2).sum()) / max(1, rows - columns)
    errors = np.sqrt(np.diag(np.linalg.inv(scaled.T @ scaled)) * variance)
    return [
        Coefficient(value=_rounded(value), error=_rounded(error))
        for value, error in zip(values / sizes, errors / sizes, strict=True)
    ]


def _nothing(names: set[str]) -> dict[str, Coefficient]:
    return {name: Coefficient(value=0.0, error=0.0) for name in names}


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
