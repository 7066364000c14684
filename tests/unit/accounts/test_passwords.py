import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator

import pytest

from whatchat.domain.errors import RateLimited, Unavailable
from whatchat.features.accounts.passwords import PasswordHasher


class Gate:
    """Holds a hasher's threads for as long as a test wants."""

    def __init__(self, passwords: PasswordHasher, threads: int) -> None:
        self._opened = threading.Event()
        self.seen: list[threading.Thread] = []
        self.held = [passwords._pool.submit(self._hold) for _ in range(threads)]

    def open(self) -> None:
        self._opened.set()

    def _hold(self) -> None:
        self.seen.append(threading.current_thread())
        self._opened.wait(10)


@pytest.fixture
async def passwords() -> AsyncIterator[PasswordHasher]:
    passwords = PasswordHasher(memory_kib=8, passes=1, workers=1, waiting=2)
    yield passwords
    await passwords.close()


async def test_only_the_right_password_verifies(passwords: PasswordHasher) -> None:
    hashed = await passwords.hash("correct horse")
    assert await passwords.verify("correct horse", hashed)
    assert not await passwords.verify("correct horsf", hashed)
    assert not await passwords.verify("", hashed)


async def test_the_same_password_is_hashed_with_another_salt(passwords: PasswordHasher) -> None:
    assert await passwords.hash("correct horse") != await passwords.hash("correct horse")


async def test_the_same_password_from_another_keyboard_verifies(
    passwords: PasswordHasher,
) -> None:
    assert await passwords.verify("cafe\u0301 noir", await passwords.hash("caf\u00e9 noir"))


async def test_the_figures_are_those_of_owasp() -> None:
    passwords = PasswordHasher(workers=1)
    hashed = await passwords.hash("correct horse")
    await passwords.close()
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("no_password", [None, ""])
async def test_nobody_has_a_password_and_it_costs_as_much(
    passwords: PasswordHasher, no_password: str | None
) -> None:
    gate = Gate(passwords, 1)
    unknown = asyncio.create_task(passwords.verify("correct horse", no_password))
    await asyncio.sleep(0)
    assert not unknown.done()
    gate.open()
    assert await unknown is False
    assert not passwords.is_outdated(passwords._nobody)


async def test_a_broken_hash_verifies_nothing(passwords: PasswordHasher) -> None:
    assert not await passwords.verify("correct horse", "not a hash")


async def test_a_hash_of_other_parameters_is_outdated(passwords: PasswordHasher) -> None:
    stronger = PasswordHasher(memory_kib=16, passes=1, workers=1)
    hashed = await passwords.hash("correct horse")
    assert not passwords.is_outdated(hashed)
    assert stronger.is_outdated(hashed)
    assert await stronger.verify("correct horse", hashed)
    await stronger.close()


async def test_the_event_loop_runs_on_while_all_threads_are_busy(
    passwords: PasswordHasher,
) -> None:
    gate = Gate(passwords, 1)
    waiting = asyncio.create_task(passwords.hash("correct horse"))
    turns = 0
    while turns < 100:
        await asyncio.sleep(0)
        turns += 1
    assert not waiting.done()
    gate.open()
    assert await waiting
    assert gate.seen[0] is not threading.current_thread()


async def test_no_more_run_at_once_than_there_are_workers() -> None:
    passwords = PasswordHasher(memory_kib=8, passes=1, workers=2)
    gate = Gate(passwords, 2)
    hashes = [asyncio.create_task(passwords.hash("correct horse")) for _ in range(20)]
    await asyncio.sleep(0)
    assert len(passwords._pool._threads) == 2
    gate.open()
    assert len(set(await asyncio.gather(*hashes))) == 20
    assert len(passwords._pool._threads) == 2
    await passwords.close()


async def test_more_than_may_wait_are_refused_at_once(passwords: PasswordHasher) -> None:
    gate = Gate(passwords, 1)
    accepted = [asyncio.create_task(passwords.hash("correct horse")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(RateLimited) as refused:
        await passwords.verify("correct horse", None)
    assert refused.value.retry_after_ms
    gate.open()
    await asyncio.gather(*accepted)
    assert await passwords.hash("correct horse")


async def test_whoever_gives_up_makes_room(passwords: PasswordHasher) -> None:
    gate = Gate(passwords, 1)
    accepted = [asyncio.create_task(passwords.hash("correct horse")) for _ in range(3)]
    await asyncio.sleep(0)
    accepted[0].cancel()
    await asyncio.gather(accepted[0], return_exceptions=True)
    replacement = asyncio.create_task(passwords.hash("correct horse"))
    gate.open()
    assert await replacement
    await asyncio.gather(*accepted[1:])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a priority for each thread")
async def test_the_threads_give_way_to_the_event_loop(passwords: PasswordHasher) -> None:
    await passwords.hash("correct horse")
    (worker,) = passwords._pool._threads
    assert worker.native_id is not None
    ours = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    theirs = os.getpriority(os.PRIO_PROCESS, worker.native_id)
    assert theirs > ours or theirs == 19


async def test_closing_finishes_what_was_accepted() -> None:
    passwords = PasswordHasher(memory_kib=8, passes=1, workers=1)
    gate = Gate(passwords, 1)
    accepted = asyncio.create_task(passwords.hash("correct horse"))
    await asyncio.sleep(0)
    gate.open()
    await passwords.close()
    assert await accepted
    with pytest.raises(Unavailable):
        await passwords.hash("correct horse")


async def test_a_new_password_is_hashed_unless_it_is_guessable(passwords: PasswordHasher) -> None:
    hashed = await passwords.hash_new("correct horse", "ada")
    assert hashed is not None
    assert await passwords.verify("correct horse", hashed)
    assert await passwords.hash_new("password123", "ada") is None
    assert await passwords.hash_new("zbigniewska", "zbigniewska") is None
    # As it is hashed: in fullwidth letters it is no better.
    assert await passwords.hash_new("\uff50assword123", "ada") is None


async def test_passwords_are_judged_within_the_pools_bounds(passwords: PasswordHasher) -> None:
    gate = Gate(passwords, 1)
    judging = [asyncio.create_task(passwords.hash_new("password123")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(RateLimited):
        await passwords.hash_new("password123")
    gate.open()
    assert await asyncio.gather(*judging) == [None] * 3
