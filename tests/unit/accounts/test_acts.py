"""What the audit log is told of accounts and sign-ins."""

from collections.abc import Awaitable
from typing import Protocol

import pytest

from tests.told import Told
from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.audit import NEW_DEVICE, Act, party
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import DeviceId, UserId
from whatchat.features.accounts.contract import (
    ChangePassword,
    Login,
    Logout,
    Refresh,
    SignedIn,
    SignOutDevice,
    TokenPair,
)
from whatchat.features.accounts.service import AccountService

VISITOR = Visitor(address="192.0.2.1")


class Pod(Protocol):
    service: AccountService
    told: Told

    async def register(self, username: str, password: str = ...) -> SignedIn: ...
    async def login(self, username: str, password: str = ...) -> SignedIn: ...
    async def actor(self, pair: TokenPair) -> Actor: ...


@pytest.fixture
async def ada(pod: Pod) -> SignedIn:
    """Somebody with an account; what was told of that is forgotten."""
    ada = await pod.register("ada", "pässwörd one")
    pod.told.clear()
    return ada


async def refused(attempt: Awaitable[object]) -> None:
    with pytest.raises(ChatError):
        await attempt


async def test_registering(pod: Pod) -> None:
    ada = await pod.register("ada")
    told = pod.told.records
    assert [one.act for one in told] == [
        Act(kind="account.registered", user_id=ada.user.id, device_id=ada.device_id)
    ]
    assert told[0].actor == party(VISITOR)
    await refused(pod.register("ada"))
    assert len(told) == 1


async def test_signing_in_on_a_new_device_and_on_a_known_one(pod: Pod, ada: SignedIn) -> None:
    new = await pod.login("ada", "pässwörd one")
    again = Login(username="ada", password="pässwörd one", device_id=new.device_id)
    await pod.service.login(VISITOR, again)
    others = Login(username="ada", password="pässwörd one", device_id=DeviceId("no-such"))
    made_up = await pod.service.login(VISITOR, others)
    first, second, third = pod.told.acts
    assert first == Act(
        kind="sign_in", user_id=ada.user.id, device_id=new.device_id, detail=NEW_DEVICE
    )
    assert second == Act(kind="sign_in", user_id=ada.user.id, device_id=new.device_id)
    assert (third.device_id, third.detail) == (made_up.device_id, NEW_DEVICE)
    assert {one.actor for one in pod.told.records} == {party(VISITOR)}


async def test_of_a_refused_sign_in_the_account_is_told_if_there_is_one(
    pod: Pod, ada: SignedIn
) -> None:
    await refused(pod.login("ada", "wrong"))
    await refused(pod.login("nobody", "wrong"))
    assert pod.told.acts == [
        Act(kind="sign_in", outcome="unauthenticated", user_id=ada.user.id),
        Act(kind="sign_in", outcome="unauthenticated"),
    ]
    assert {one.actor for one in pod.told.records} == {party(VISITOR)}
    assert "nobody" not in repr(pod.told.records)
    assert "wrong" not in repr(pod.told.records)


async def test_signing_out_is_told_once(pod: Pod, ada: SignedIn) -> None:
    actor = await pod.actor(ada)
    for _ in range(2):
        await pod.service.logout(actor, Logout())
    assert pod.told.acts == [Act(kind="sign_out", device_id=ada.device_id)]
    assert pod.told.records[0].actor == party(actor)


async def test_signing_another_device_out(pod: Pod, ada: SignedIn) -> None:
    other, actor = await pod.login("ada", "pässwörd one"), await pod.actor(ada)
    pod.told.clear()
    command = SignOutDevice(device_id=other.device_id)
    await pod.service.sign_out_device(actor, command)
    await refused(pod.service.sign_out_device(actor, command))
    assert pod.told.acts == [
        Act(kind="device.signed_out", user_id=ada.user.id, device_id=other.device_id)
    ]


async def test_a_new_password_and_a_wrong_one(pod: Pod, ada: SignedIn) -> None:
    actor, new = await pod.actor(ada), "pässwörd two"
    wrong = ChangePassword(current_password="wrong", new_password=new)
    await refused(pod.service.change_password(actor, wrong))
    right = ChangePassword(current_password="pässwörd one", new_password=new)
    await pod.service.change_password(actor, right)
    assert pod.told.acts == [
        Act(kind="password.changed", outcome="forbidden", user_id=ada.user.id),
        Act(kind="password.changed", user_id=ada.user.id),
    ]


async def test_a_spent_refresh_token(pod: Pod, ada: SignedIn) -> None:
    command = Refresh(refresh_token=ada.refresh_token)
    await pod.service.refresh(VISITOR, command)
    assert pod.told.acts == []
    await refused(pod.service.refresh(VISITOR, command))
    await refused(pod.service.refresh(VISITOR, command))
    assert pod.told.acts == [
        Act(
            kind="refresh.reused",
            outcome="unauthenticated",
            user_id=ada.user.id,
            device_id=ada.device_id,
        )
    ]


async def test_what_cannot_be_recorded_is_not_answered(
    pod: Pod, ada: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record comes first: whoever hears that something was done can read of it."""
    answered: list[UserId] = []

    async def record(*_: object) -> None:
        assert answered == []
        raise ConnectionError

    monkeypatch.setattr(pod.service._trail, "record", record)
    for attempt in (pod.register("eve"), pod.login("ada", "pässwörd one"), pod.login("x", "y")):
        with pytest.raises(ConnectionError):
            answered.append((await attempt).user.id)
