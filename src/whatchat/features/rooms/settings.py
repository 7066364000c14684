"""From the settings that a client sends to those that a room has."""

from msgspec import UNSET
from msgspec.structs import asdict, replace

from whatchat.domain.errors import Invalid
from whatchat.domain.models import RoomSettings
from whatchat.features.rooms.contract import SettingsPatch

DIRECT = RoomSettings(is_private=True, max_participants=2)


def patched(settings: RoomSettings, patch: SettingsPatch) -> RoomSettings:
    """``settings`` with what ``patch`` gives."""
    given = {name: value for name, value in asdict(patch).items() if value is not UNSET}
    if patch.disappear_after_seconds is not UNSET:
        given["disappear_after_seconds"] = patch.disappear_after_seconds or UNSET
    return replace(settings, **given)


def direct(patch: SettingsPatch) -> RoomSettings:
    """A direct room's settings: always private, always for two."""
    if patch.is_private is False:
        raise Invalid("a direct room is private", field="settings.isPrivate")
    given = replace(patch, is_private=UNSET, max_participants=UNSET)
    return patched(DIRECT, given)
