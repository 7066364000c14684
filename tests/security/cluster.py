"""A stage of several pods, on a MongoDB and a Redis."""

from tests.security.stage import Stage
from tests.servers.redis_parts import connected
from tests.servers.redis_server import RedisServer
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.adapters.mongo.store import MongoStore
from whatchat.adapters.redis.broker import RedisBroker
from whatchat.adapters.redis.keys import Keys
from whatchat.adapters.redis.limiter import RedisLimiter
from whatchat.adapters.redis.session_registry import RedisSessionRegistry
from whatchat.domain.ids import random_id
from whatchat.domain.ports.broker import Broker
from whatchat.domain.ports.limiter import Limiter
from whatchat.domain.ports.session_registry import SessionRegistry
from whatchat.domain.ports.store import Store
from whatchat.observability.metrics import Metrics


class Cluster(Stage):
    """Each pod has connections of its own; ``keys`` are the names that they use in Redis.

    ``heard`` is what the latest pod's broker has counted.
    """

    def __init__(self, mongo_url: str, redis: RedisServer) -> None:
        super().__init__()
        self.heard = Metrics()
        self._mongo_url = mongo_url
        self.redis = redis
        self.keys = Keys(prefix=f"test-{random_id()}")

    async def open(self) -> None:
        self.store = await self._opened_store()

    async def shared(self) -> tuple[Store, Broker, SessionRegistry, Limiter]:
        self.heard = metrics = Metrics()
        servers = await self._stack.enter_async_context(connected(self.redis.url, metrics))
        store = await self._opened_store()
        secret = (await store.identity()).secret
        broker = RedisBroker(servers, self.keys, metrics, secret)
        await broker.start()
        self._stack.push_async_callback(broker.close)
        limiter = RedisLimiter(servers, self.keys, EmbeddedLimiter(), metrics)
        return store, broker, RedisSessionRegistry(servers, self.keys), limiter

    async def _opened_store(self) -> Store:
        store = MongoStore(self._mongo_url)
        await store.open()
        self._stack.push_async_callback(store.close)
        await store.migrate()
        return store
