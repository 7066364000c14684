"""What people may ask about accounts, and what they are answered."""

from typing import Annotated, Final

from msgspec import UNSET, Meta, UnsetType

from whatchat.domain.contract import Command
from whatchat.domain.errors import Invalid
from whatchat.domain.ids import DeviceId, DeviceIdField, UserIdField
from whatchat.domain.models import Device, User, View, Visibility
from whatchat.domain.text import (
    LINE,
    MAYBE_BLANK_LINE,
    NAME,
    PERSON,
    require_line,
    require_name,
    require_person,
)

MAX_PASSWORD: Final = 256
MAX_NAME: Final = 100
MAX_TOKEN: Final = 512
MAX_FOUND: Final = 50

Username = Annotated[str, Meta(pattern=r"^[a-z0-9_.-]{3,32}\Z")]
NewPassword = Annotated[str, Meta(min_length=8, max_length=MAX_PASSWORD), MAYBE_BLANK_LINE]
Password = Annotated[str, Meta(min_length=1, max_length=MAX_PASSWORD), MAYBE_BLANK_LINE]
"""A password to be checked: whatever cannot be one is merely wrong."""

DisplayName = Annotated[str, Meta(min_length=1, max_length=MAX_NAME), PERSON]
DeviceName = Annotated[str, Meta(min_length=1, max_length=MAX_NAME), NAME]
Query = Annotated[str, Meta(min_length=1, max_length=MAX_NAME), LINE]
Nonce = Annotated[str, Meta(min_length=1, max_length=128), LINE]
RefreshTokenField = Annotated[str, Meta(min_length=1, max_length=MAX_TOKEN)]


class Register(Command, frozen=True, kw_only=True):
    """Open an account and sign in on a new device; ``displayName`` defaults to the username."""

    username: Username
    password: NewPassword
    display_name: DisplayName | UnsetType = UNSET

    def __post_init__(self) -> None:
        _require_password(self.password, "password")
        if self.display_name is not UNSET:
            require_person(self.display_name, "displayName", maximum=MAX_NAME)


class Login(Command, frozen=True, kw_only=True):
    """Sign in, on a known device if ``deviceId`` is one of this user's, else on a new one."""

    username: Username
    password: Password
    device_id: DeviceIdField | UnsetType = UNSET
    device_name: DeviceName | UnsetType = UNSET

    def __post_init__(self) -> None:
        _require_password(self.password, "password")
        if self.device_name is not UNSET:
            require_name(self.device_name, "deviceName", maximum=MAX_NAME)


class Refresh(Command, frozen=True, kw_only=True):
    """Exchange a refresh token for a new pair, repeatably under ``nonce`` for a minute."""

    refresh_token: RefreshTokenField
    nonce: Nonce | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.nonce is not UNSET:
            require_line(self.nonce, "nonce", maximum=128)


class Logout(Command, frozen=True, kw_only=True):
    """Sign this device out."""


class ChangePassword(Command, frozen=True, kw_only=True):
    """Replace the password and sign every other device out."""

    current_password: Password
    new_password: NewPassword

    def __post_init__(self) -> None:
        _require_password(self.current_password, "currentPassword")
        _require_password(self.new_password, "newPassword")


class ListDevices(Command, frozen=True, kw_only=True):
    """List one's signed-in devices."""


class SignOutDevice(Command, frozen=True, kw_only=True):
    """Sign one of one's devices out."""

    device_id: DeviceIdField


class GetMe(Command, frozen=True, kw_only=True):
    """See one's own profile."""


class UpdateMe(Command, frozen=True, kw_only=True):
    """Change what is given of one's own profile; at least one field."""

    display_name: DisplayName | UnsetType = UNSET
    presence: Visibility | UnsetType = UNSET
    read_receipts: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.display_name is not UNSET:
            require_person(self.display_name, "displayName", maximum=MAX_NAME)
        if self.display_name is self.presence is self.read_receipts is UNSET:
            raise Invalid("give at least one of displayName, presence, readReceipts")


class SearchUsers(Command, frozen=True, kw_only=True):
    """Find people by the start of their username or any part of their display name."""

    query: Query
    limit: Annotated[int, Meta(ge=1, le=MAX_FOUND)] = 20

    def __post_init__(self) -> None:
        require_line(self.query, "query", maximum=MAX_NAME)


class GetUser(Command, frozen=True, kw_only=True):
    """See one person."""

    user_id: UserIdField


class TokenPair(View, frozen=True, kw_only=True):
    """What a client holds; ``expiresIn`` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int


class SignedIn(TokenPair, frozen=True, kw_only=True):
    """A new sign-in of ``user`` on one device."""

    user: User
    device_id: DeviceId


class DeviceList(View, frozen=True, kw_only=True):
    """The caller's signed-in devices, latest seen first."""

    devices: list[Device]


class UserList(View, frozen=True, kw_only=True):
    """People found, by username."""

    users: list[User]


def _require_password(value: str, field: str) -> None:
    """Refuse what no keyboard types; a wrong length is the type's to refuse."""
    require_line(value, field, minimum=0, maximum=MAX_PASSWORD)
