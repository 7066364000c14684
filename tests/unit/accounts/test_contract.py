from typing import Any

import msgspec
import pytest

from whatchat.domain.contract import Command
from whatchat.domain.errors import Invalid
from whatchat.features.accounts.contract import (
    ChangePassword,
    GetUser,
    Login,
    Refresh,
    Register,
    SearchUsers,
    SignOutDevice,
    UpdateMe,
)

REGISTER = {"username": "ada", "password": "correct horse"}
PASSWORDS = {"currentPassword": "old", "newPassword": "correct horse"}

GOOD: list[tuple[type[Command], dict[str, Any]]] = [
    (Register, REGISTER),
    (Register, {"username": "a_.-0" * 6, "password": "x" * 256, "displayName": "Ä" * 100}),
    (Register, {"username": "abc", "password": "12345678"}),
    (Login, {"username": "ada", "password": "x", "deviceId": "d", "deviceName": "My phone"}),
    (Refresh, {"refreshToken": "x", "nonce": "n"}),
    (ChangePassword, PASSWORDS),
    (UpdateMe, {"displayName": "Ada"}),
    (UpdateMe, {"readReceipts": False}),
    (SearchUsers, {"query": "a"}),
    (SearchUsers, {"query": "a", "limit": 50}),
    (SignOutDevice, {"deviceId": "d"}),
    (GetUser, {"userId": "u"}),
]


@pytest.mark.parametrize(("command", "fields"), GOOD)
def test_what_is_within_the_limits_is_taken(command: type[Command], fields: dict[str, Any]) -> None:
    assert isinstance(msgspec.convert(fields, command), command)


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        (Register, REGISTER | {"username": "ab"}),
        (Register, REGISTER | {"username": "a" * 33}),
        (Register, REGISTER | {"username": "Ada"}),
        (Register, REGISTER | {"username": "ada\n"}),
        (Register, REGISTER | {"username": "a da"}),
        (Register, REGISTER | {"username": "ädä"}),
        (Register, REGISTER | {"username": {"$ne": 1}}),
        (Register, REGISTER | {"password": "1234567"}),
        (Register, REGISTER | {"password": "x" * 257}),
        (Register, REGISTER | {"password": 12345678}),
        (Register, REGISTER | {"displayName": "x" * 101}),
        (Register, REGISTER | {"displayName": None}),
        (Register, REGISTER | {"extra": 1}),
        (Register, {"username": "ada"}),
        (Login, REGISTER | {"password": ""}),
        (Login, REGISTER | {"password": "x" * 257}),
        (Login, REGISTER | {"deviceId": "x" * 33}),
        (Login, REGISTER | {"deviceId": "a/b"}),
        (Login, REGISTER | {"deviceName": ""}),
        (Refresh, {"refreshToken": "x" * 513}),
        (Refresh, {"refreshToken": {"$ne": 1}}),
        (Refresh, {"refreshToken": "x", "nonce": "n" * 129}),
        (ChangePassword, PASSWORDS | {"newPassword": "1234567"}),
        (UpdateMe, {"presence": "friends"}),
        (UpdateMe, {"readReceipts": "yes"}),
        (SearchUsers, {"query": ""}),
        (SearchUsers, {"query": "a" * 101}),
        (SearchUsers, {"query": "a", "limit": 0}),
        (SearchUsers, {"query": "a", "limit": 51}),
        (GetUser, {"userId": "a b"}),
    ],
)
def test_what_is_beyond_the_limits_is_refused(
    command: type[Command], fields: dict[str, Any]
) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(fields, command)


@pytest.mark.parametrize("bad", ["\x00", "\x1b", "\n", "\u2028", "\ud800"])
@pytest.mark.parametrize(
    ("command", "fields", "field"),
    [
        (Register, REGISTER, "password"),
        (Register, REGISTER, "displayName"),
        (Login, REGISTER, "password"),
        (Login, REGISTER, "deviceName"),
        (Refresh, {"refreshToken": "x"}, "nonce"),
        (ChangePassword, PASSWORDS, "currentPassword"),
        (ChangePassword, PASSWORDS, "newPassword"),
        (UpdateMe, {}, "displayName"),
        (SearchUsers, {}, "query"),
    ],
)
def test_a_character_that_is_not_allowed_names_the_field(
    command: type[Command], fields: dict[str, Any], field: str, bad: str
) -> None:
    with pytest.raises(Invalid) as refused:
        msgspec.convert(fields | {field: f"long {bad} enough"}, command)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("command", "fields", "field"),
    [
        (Register, REGISTER | {"displayName": "  "}, "displayName"),
        (SearchUsers, {"query": " "}, "query"),
    ],
)
def test_a_blank_name_is_refused(
    command: type[Command], fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        msgspec.convert(fields, command)
    assert refused.value.field == field


def test_an_update_of_nothing_is_refused() -> None:
    with pytest.raises(Invalid, match="at least one"):
        msgspec.convert({}, UpdateMe)


@pytest.mark.parametrize(
    "username",
    [
        "Ada",
        "ADA",
        "\uff41da",  # fullwidth
        "\u0430da",  # Cyrillic
        "ad\u0251",
        "ada\u200b",
        "ada\u200d",
        "\ufeffada",
        "a\u00adda",
        "ada\u0301",
        "\u00e1da",
        "ada\u202e",
        "ada ",
        "ada\n",
        "ada\x00",
        "\u212bda",
        "\U0001d41ada",
        "\u0661\u0662\u0663",
    ],
)
@pytest.mark.parametrize("command", [Register, Login])
def test_no_name_is_written_in_two_ways(command: type[Command], username: str) -> None:
    """Neither to register beside somebody, nor to reach somebody's account."""
    with pytest.raises(msgspec.ValidationError, match=r"\$\.username"):
        msgspec.convert(REGISTER | {"username": username}, command)
