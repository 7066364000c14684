"""``whatchat``, but for a message with :data:`LAST_WORDS` in it, which is the last it hears.

The process is killed once that message is written, and before anybody is told of it.
"""

import os
import signal
from collections.abc import Sequence
from typing import Final
from unittest.mock import patch

from whatchat import services
from whatchat.__main__ import main
from whatchat.domain.log import MessagePosted
from whatchat.roomlog.announcing import Announcing, News

LAST_WORDS: Final = "and that was the last that was heard of this pod"


class DyingAnnouncing(Announcing):
    """Announces everything else."""

    async def announce(self, news: Sequence[News]) -> None:
        if any(_is_last(one) for one in news):
            os.kill(os.getpid(), signal.SIGKILL)
        await super().announce(news)


def _is_last(news: News) -> bool:
    change = news.entry.change
    return isinstance(change, MessagePosted) and LAST_WORDS in change.content


if __name__ == "__main__":
    with patch.object(services, "Announcing", DyingAnnouncing):
        main()
