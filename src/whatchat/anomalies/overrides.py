"""An operator's changes to the rules."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict, replace

from whatchat.anomalies.rule import Action, BadRule, Rule

MOST: Final = 100_000
MAX_SECONDS: Final = 30 * 86_400

Threshold = Annotated[int, Meta(ge=1, le=MOST)]
Seconds = Annotated[int, Meta(ge=1, le=MAX_SECONDS)]


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be otherwise in one rule; ``enabled`` of false switches it off."""

    enabled: bool = True
    threshold: Threshold | UnsetType = UNSET
    seconds: Seconds | UnsetType = UNSET
    action: Action | UnsetType = UNSET
    slow_factor: Annotated[int, Meta(ge=2, le=1000)] | UnsetType = UNSET
    slow_seconds: Seconds | UnsetType = UNSET


def changed(rules: Sequence[Rule], path: Path) -> tuple[Rule, ...]:
    """The rules as a TOML or JSON file changes them, by name; raises :class:`BadRule`."""
    changes = _read(path)
    known = {rule.name for rule in rules}
    for name in changes:
        if name not in known:
            raise BadRule(f"{path}: there is no rule {name!r}")
    return tuple(
        _changed(rule, changes[rule.name], path) if rule.name in changes else rule
        for rule in rules
        if rule.name not in changes or changes[rule.name].enabled
    )


def _read(path: Path) -> Mapping[str, Change]:
    decode = msgspec.json.decode if path.suffix == ".json" else msgspec.toml.decode
    try:
        return decode(path.read_bytes(), type=dict[str, Change])
    except (OSError, UnicodeDecodeError) as error:
        raise BadRule(f"{path}: cannot be read: {type(error).__name__}") from None
    except msgspec.DecodeError as error:
        raise BadRule(f"{path}: {error}".replace("\n", " ")) from None


def _changed(rule: Rule, change: Change, path: Path) -> Rule:
    given = {name: value for name, value in asdict(change).items() if value is not UNSET}
    del given["enabled"]
    try:
        return replace(rule, **given)
    except BadRule as error:
        raise BadRule(f"{path}: {rule.name}: {error}") from None
