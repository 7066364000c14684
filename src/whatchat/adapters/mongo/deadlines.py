"""How long a call may take, and what becomes of the driver's errors: the only place for both."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

import pymongo
import structlog
from pymongo.errors import PyMongoError

from whatchat.domain.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger()

DEADLINE_SECONDS: Final = 5.0

DISK_FULL: Final = 14031
DISK_IS_FULL: Final = "MongoDB's disk is full: enlarge its volume; it takes no writes until then"


def within_deadline(
    method: Callable[P, Coroutine[Any, Any, T]],
) -> Callable[P, Coroutine[Any, Any, T]]:
    """Give all commands of a call ``DEADLINE_SECONDS`` together.

    Whatever the driver raises, and a deadline that passes, is ``Unavailable``: the outcome
    is then unknown. The log has the error's kind and code; its text may hold what people
    wrote.
    """

    @wraps(method)
    async def bounded(*args: P.args, **kwargs: P.kwargs) -> T:
        task = asyncio.current_task()
        cancelled = task.cancelling() if task else 0
        try:
            with pymongo.timeout(DEADLINE_SECONDS):
                return await method(*args, **kwargs)
        except (PyMongoError, TimeoutError) as error:
            is_full = getattr(error, "code", None) == DISK_FULL
            told = DISK_IS_FULL if is_full else "database call failed"
            log.warning(told, call=method.__qualname__, error=kind_of(error))
            raise Unavailable from error
        finally:
            # The driver waits by ``asyncio.wait_for``, which until Python 3.12 forgets that it was
            # cancelled if the answer is there: https://github.com/python/cpython/issues/86296
            if task and task.cancelling() > cancelled:
                raise asyncio.CancelledError

    return bounded


def kind_of(error: Exception) -> str:
    """What may be said of an error anywhere: its class, and the server's code if it has one."""
    code = getattr(error, "code", None)
    return type(error).__name__ if code is None else f"{type(error).__name__} {code}"
