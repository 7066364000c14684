"""Blocking on the wire."""

from typing import Final

from whatchat.domain.contract import Endpoint, Event
from whatchat.features.blocking.contract import BlockUser, ListBlocks, UnblockUser
from whatchat.features.blocking.service import BlockingService

_BLOCK: Final = "/api/users/{userId}/block"

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    Endpoint(
        BlockUser, BlockingService.block, socket="user:block", http=f"PUT {_BLOCK}", status=204
    ),
    Endpoint(
        UnblockUser,
        BlockingService.unblock,
        socket="user:unblock",
        http=f"DELETE {_BLOCK}",
        status=204,
    ),
    Endpoint(ListBlocks, BlockingService.list, http="GET /api/blocks", cost="query"),
)

EVENTS: Final[tuple[type[Event], ...]] = ()
