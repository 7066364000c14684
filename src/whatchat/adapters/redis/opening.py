"""From a URL to servers."""

from whatchat.adapters.redis.cluster import Cluster
from whatchat.adapters.redis.dialing import access
from whatchat.adapters.redis.sentinel import Sentinels
from whatchat.adapters.redis.servers import Servers
from whatchat.adapters.redis.single import SingleServer
from whatchat.adapters.redis.url import Address, RedisUrl
from whatchat.observability.metrics import Metrics


def servers_of(url: RedisUrl, metrics: Metrics) -> Servers:
    """The servers that a URL names, not connected yet."""
    let_in = access(url, metrics)
    if url.kind == "cluster":
        return Cluster(url.addresses, let_in, metrics)
    if url.kind == "sentinel":
        sentinels = Sentinels(url.addresses, url.master, let_in, url.sentinel_password)
        return SingleServer(sentinels, let_in, metrics)
    (address,) = url.addresses

    async def fixed() -> Address:
        return address

    return SingleServer(fixed, let_in, metrics)
