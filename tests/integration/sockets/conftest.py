"""Pods and people for the tests of sockets."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.integration.sockets.pods import PEOPLE, House, Node
from whatchat.adapters.embedded.broker import InProcessExchange
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.domain.ids import UserId
from whatchat.domain.ports.account_store import Account
from whatchat.domain.times import utc_now


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        store = SqliteStore(":memory:")
        await store.open()
        stack.push_async_callback(store.close)
        await store.migrate()
        for name in PEOPLE:
            account = Account(
                user_id=UserId(name),
                username=name,
                display_name=name.title(),
                password_hash="",
                created_at=utc_now(),
            )
            await store.accounts.add(account)
        yield House(store, InProcessExchange(), InProcessSessionRegistry(), stack)


@pytest.fixture
async def node(house: House) -> Node:
    return await house.node()
