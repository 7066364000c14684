"""What must not stay in the store goes, whoever was to remove it."""

from collections.abc import Sequence
from typing import Final

from whatchat.domain.log import MessagePosted
from whatchat.domain.ports.message_store import MessageStore
from whatchat.domain.ports.work_queue import Job

_POSTED: Final = MessagePosted.__struct_config__.tag


class Retention:
    """Finishes what a pod that died had begun: old bodies of edits, contents of deletions.

    A new message leaves nothing to finish. Living pods are nearly always done before.
    """

    group = "retention"

    def __init__(self, messages: MessageStore) -> None:
        self._messages = messages

    async def do(self, jobs: Sequence[Job]) -> None:
        """See to it that nothing is left to do in the rooms that were changed."""
        if changed := {job.room_id for job in jobs if job.kind != _POSTED}:
            await self._messages.finish(changed)
