"""What a pod shares with others, as the composition root chooses it."""

from typing import NamedTuple

from whatchat.adapters.embedded.broker import InProcessBroker, InProcessExchange
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.adapters.redis.broker import RedisBroker
from whatchat.adapters.redis.keys import Keys
from whatchat.adapters.redis.opening import servers_of
from whatchat.adapters.redis.session_registry import RedisSessionRegistry
from whatchat.adapters.redis.url import parse
from whatchat.domain.ports.broker import Broker
from whatchat.domain.ports.session_registry import SessionRegistry
from whatchat.observability.metrics import Metrics


class Adapters(NamedTuple):
    """The broker, and the registry of sessions."""

    broker: Broker
    sessions: SessionRegistry


def adapters_alone() -> Adapters:
    """Those of a pod without Redis."""
    return Adapters(InProcessBroker(InProcessExchange()), InProcessSessionRegistry())


async def adapters_on(redis_url: str) -> Adapters:
    """Those of a pod on Redis, connected. Raises ``Unavailable``."""
    url, metrics = parse(redis_url), Metrics()
    servers, keys = servers_of(url, metrics), Keys(url.database)
    await servers.start()
    broker = RedisBroker(servers, keys, metrics, b"of a benchmark")
    await broker.start()
    return Adapters(broker, RedisSessionRegistry(servers, keys))
