import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from time import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import DeviceId, GrantId, UserId
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now
from whatchat.features.accounts.access_tokens import AccessTokens
from whatchat.features.accounts.authenticator import TokenAuthenticator
from whatchat.features.accounts.exclusions import Exclusions
from whatchat.features.accounts.key_folder import SETTLE_SECONDS, KeyFolder
from whatchat.features.accounts.key_rotation import KeyRotation
from whatchat.features.accounts.keys import KeyRing, secret_key
from whatchat.features.accounts.revocations import Revocations

SECRET = b"an earlier secret, of 32 bytes..."


class Clock:
    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


def private_pem(key: Any = None) -> bytes:
    key = key or Ed25519PrivateKey.generate()
    data: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return data


def public_pem(key: Any) -> bytes:
    data: bytes = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two keys that have been there for long, and what is none."""
    for kid in ("2026-01", "2026-02"):
        path = tmp_path / f"{kid}.pem"
        path.write_bytes(private_pem())
        os.utime(path, (1, 1))
    (tmp_path / "README").write_text("not a key")
    (tmp_path / ".hidden.pem").write_text("not a key")
    return tmp_path


def issue(tokens: AccessTokens) -> str:
    return tokens.issue(
        UserId("user"), DeviceId("device"), GrantId("grant"), jti="id", at=utc_now()
    )


def kid_of(tokens: AccessTokens) -> str:
    kid: str = jwt.get_unverified_header(issue(tokens))["kid"]
    return kid


def refuse(tokens: AccessTokens, token: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        tokens.verify(token)
    assert caught.value.body() == Unauthenticated().body()


class TestFolder:
    def test_the_newest_key_signs_and_every_key_verifies(self, folder: Path) -> None:
        before = AccessTokens(KeyFolder(folder).read())
        (folder / "2026-02.pem").rename(folder / "2025-12.pem")
        after = AccessTokens(KeyFolder(folder).read())
        assert (kid_of(before), kid_of(after)) == ("2026-02", "2026-01")
        assert before.verify(issue(after)).sub == "user"

    def test_a_key_signs_once_other_pods_had_time_to_learn_it(
        self, folder: Path, clock: Clock
    ) -> None:
        keys = KeyFolder(folder, clock=clock)
        keys.read()
        path = folder / "2026-03.pem"
        path.write_bytes(private_pem())
        os.utime(path, (1, 1))  # copied with the time of its making
        assert kid_of(AccessTokens(keys.read())) == "2026-02"
        clock.ahead += SETTLE_SECONDS - 1
        assert kid_of(AccessTokens(keys.read())) == "2026-02"
        clock.ahead += 2
        assert kid_of(AccessTokens(keys.read())) == "2026-03"

    def test_a_pod_that_starts_with_a_new_key_waits_as_well(
        self, folder: Path, clock: Clock
    ) -> None:
        (folder / "2026-03.pem").write_bytes(private_pem())
        keys = KeyFolder(folder, clock=clock)
        assert kid_of(AccessTokens(keys.read())) == "2026-02"
        clock.ahead += SETTLE_SECONDS + 1
        assert kid_of(AccessTokens(keys.read())) == "2026-03"

    def test_a_pod_to_which_all_keys_are_new_signs_with_the_first(
        self, folder: Path, clock: Clock
    ) -> None:
        for path in folder.glob("*.pem"):
            os.utime(path)
        keys = KeyFolder(folder, clock=clock)
        assert kid_of(AccessTokens(keys.read())) == "2026-01"
        clock.ahead += SETTLE_SECONDS + 1
        assert kid_of(AccessTokens(keys.read())) == "2026-02"

    def test_a_withdrawn_key_verifies_no_longer(self, folder: Path) -> None:
        token = issue(AccessTokens(KeyFolder(folder).read()))
        (folder / "2026-02.pem").unlink()
        refuse(AccessTokens(KeyFolder(folder).read()), token)

    @pytest.mark.parametrize("name", ["2026-02.pub.pem", "2026-02.pem"])
    def test_a_public_key_verifies_and_does_not_sign(self, folder: Path, name: str) -> None:
        before = AccessTokens(KeyFolder(folder).read())
        key = KeyFolder(folder).read().signing.public.key
        (folder / "2026-02.pem").unlink()
        (folder / name).write_bytes(public_pem(key))
        after = AccessTokens(KeyFolder(folder).read())
        assert after.verify(issue(before)).sub == "user"
        assert kid_of(after) == "2026-01"

    def test_a_public_key_retires_the_private_one_beside_it(self, folder: Path) -> None:
        key = KeyFolder(folder).read().signing.public.key
        (folder / "2026-02.pub.pem").write_bytes(public_pem(key))
        assert kid_of(AccessTokens(KeyFolder(folder).read())) == "2026-01"

    def test_two_keys_do_not_share_a_name(self, folder: Path) -> None:
        other = Ed25519PrivateKey.generate().public_key()
        (folder / "2026-02.pub.pem").write_bytes(public_pem(other))
        with pytest.raises(ValueError, match=r"2026-02\.pub\.pem|2026-02\.pem"):
            KeyFolder(folder).read()

    def test_public_keys_alone_are_not_enough(self, tmp_path: Path) -> None:
        public = Ed25519PrivateKey.generate().public_key()
        (tmp_path / "a.pub.pem").write_bytes(public_pem(public))
        with pytest.raises(ValueError, match="no key to sign"):
            KeyFolder(tmp_path).read()

    def test_a_public_key_is_never_taken_for_a_secret(self, folder: Path) -> None:
        ring = KeyFolder(folder).read()
        public = ring.signing.public.key
        header = {"typ": "at+jwt", "kid": ring.signing.kid}
        claims = jwt.decode(issue(AccessTokens(ring)), options={"verify_signature": False})
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        for secret in (raw, raw.hex().encode()):
            refuse(AccessTokens(ring), jwt.encode(claims, secret, "HS256", headers=header))

    def test_one_kid_does_not_stand_for_another(self, folder: Path) -> None:
        ring = KeyFolder(folder).read()
        (older,) = ring.named("2026-01")
        assert isinstance(older.private, Ed25519PrivateKey)
        claims = jwt.decode(issue(AccessTokens(ring)), options={"verify_signature": False})
        header = {"typ": "at+jwt", "kid": "2026-02"}
        refuse(AccessTokens(ring), jwt.encode(claims, older.private, "EdDSA", headers=header))

    def test_a_secret_of_before_stays_good(self, folder: Path) -> None:
        token = issue(AccessTokens(KeyRing.of_secret(SECRET)))
        after = AccessTokens(KeyFolder(folder, [secret_key(SECRET)]).read())
        assert after.verify(token).sub == "user"
        assert kid_of(after) == "2026-02"

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"not a key",
            b"-----BEGIN PUBLIC KEY-----",
            private_pem(generate_private_key(SECP256R1())),
            public_pem(generate_private_key(SECP256R1()).public_key()),
        ],
    )
    def test_a_file_that_is_no_key_is_named(self, folder: Path, content: bytes) -> None:
        (folder / "2026-09.pem").write_bytes(content)
        with pytest.raises(ValueError, match=r"2026-09\.pem"):
            KeyFolder(folder).read()

    def test_a_name_that_no_key_can_have_is_refused(self, folder: Path) -> None:
        (folder / "a key.pem").write_bytes(private_pem())
        with pytest.raises(ValueError, match=r"a key\.pem"):
            KeyFolder(folder).read()

    def test_a_folder_without_keys_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=tmp_path.name):
            KeyFolder(tmp_path).read()


class CountedFolder(KeyFolder):
    """A folder that tells how often it was read."""

    readings = 0

    def read(self) -> KeyRing:
        self.readings += 1
        return super().read()


class Pod:
    """What of a pod has to do with keys."""

    def __init__(self, folder: Path, store: Store, clock: Clock, seconds: float) -> None:
        self.folder = CountedFolder(folder, clock=clock)
        self.tokens = AccessTokens(self.folder.read())
        self.rotation = KeyRotation(self.folder, self.tokens, seconds=seconds)
        self.authenticator = TokenAuthenticator(
            self.tokens,
            Revocations(store.accounts),
            Exclusions(store.accounts),
            rotation=self.rotation,
        )

    async def takes(self, token: str) -> bool:
        try:
            await self.authenticator.authenticate(token, "192.0.2.1")
        except Unauthenticated:
            return False
        return True


StartPod = Callable[..., Any]


@pytest.fixture
async def start_pod(folder: Path, store: Store, clock: Clock) -> AsyncIterator[StartPod]:
    started: list[Pod] = []

    async def start(*, seconds: float = 3_600) -> Pod:
        pod = Pod(folder, store, clock, seconds)
        await pod.rotation.start()
        started.append(pod)
        return pod

    yield start
    for pod in started:
        await pod.rotation.stop()


async def eventually(condition: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if condition():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it never came about")


class TestRotation:
    async def test_a_running_pod_goes_over_to_the_new_key(
        self, start_pod: StartPod, folder: Path, clock: Clock
    ) -> None:
        pod = await start_pod(seconds=0.01)
        token = issue(pod.tokens)
        (folder / "2026-03.pem").write_bytes(private_pem())
        readings = pod.folder.readings
        await eventually(lambda: pod.folder.readings > readings + 1)
        assert kid_of(pod.tokens) == "2026-02"
        clock.ahead += SETTLE_SECONDS + 1
        await eventually(lambda: kid_of(pod.tokens) == "2026-03")
        assert await pod.takes(token)

    async def test_a_pod_that_has_not_looked_yet_looks_before_it_refuses(
        self, start_pod: StartPod, folder: Path, clock: Clock
    ) -> None:
        late = await start_pod()
        (folder / "2026-03.pem").write_bytes(private_pem())
        clock.ahead += SETTLE_SECONDS + 1
        early = await start_pod()
        token = issue(early.tokens)
        assert jwt.get_unverified_header(token)["kid"] == "2026-03"
        taken = await asyncio.gather(*(late.takes(token) for _ in range(20)))
        assert all(taken)

    async def test_invented_names_of_keys_cause_no_storm(
        self, start_pod: StartPod, folder: Path
    ) -> None:
        pod = await start_pod()
        readings = pod.folder.readings
        tokens = [
            jwt.encode({"sub": "user"}, SECRET, headers={"typ": "at+jwt", "kid": f"made-up-{one}"})
            for one in range(200)
        ]
        taken = await asyncio.gather(*(pod.takes(token) for token in tokens))
        assert not any(taken)
        assert pod.folder.readings == readings + 1

    async def test_with_a_bad_file_the_keys_known_stay_in_force(
        self, start_pod: StartPod, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        pod = await start_pod(seconds=0.01)
        token = issue(pod.tokens)
        (folder / "2026-03.pem").write_bytes(b"half a k")
        readings = pod.folder.readings
        await eventually(lambda: pod.folder.readings > readings + 5)
        assert await pod.takes(token)
        assert await pod.takes(issue(pod.tokens))
        (complaint,) = caplog.messages
        assert "2026-03.pem" in complaint
        (folder / "2026-03.pem").unlink()
        for kid in ("2026-01", "2026-02"):
            (folder / f"{kid}.pem").unlink()
        await eventually(lambda: len(caplog.messages) == 2)
        assert await pod.takes(issue(pod.tokens))
