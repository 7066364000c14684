"""What operators may see of a pod, and do to it."""

from collections.abc import Mapping

from msgspec import UNSET

from whatchat.domain.actor import Operator
from whatchat.domain.audit import Act, party
from whatchat.domain.contract import Cost
from whatchat.domain.errors import NotFound
from whatchat.domain.ports.audit_trail import AuditTrail
from whatchat.domain.ports.limiter import Quota
from whatchat.domain.ports.local_sockets import LocalSocket, LocalSockets
from whatchat.domain.ports.pod_life import PodLife
from whatchat.domain.times import timestamp
from whatchat.features.admin.contract import (
    CloseSocket,
    DrainPod,
    InspectPod,
    ListSockets,
    ShowLimits,
)
from whatchat.features.admin.views import (
    Limit,
    LimitTable,
    PodView,
    SocketPage,
    SocketView,
)


class PodDesk:
    """Looks at this pod and its sockets, closes them, and ends the pod in good order."""

    def __init__(
        self,
        sockets: LocalSockets,
        life: PodLife,
        trail: AuditTrail,
        limits: Mapping[str, Mapping[Cost, Quota]] | None,
    ) -> None:
        self._sockets = sockets
        self._life = life
        self._trail = trail
        self._limits = limits

    async def inspect(self, _operator: Operator, _command: InspectPod) -> PodView:
        """The pod that is asked."""
        state = await self._life.state()
        return PodView(
            name=state.name,
            version=state.version,
            ready=state.ready,
            draining=state.draining,
            sockets=self._sockets.count(),
        )

    async def limits(self, _operator: Operator, _command: ShowLimits) -> LimitTable:
        """How much anybody may ask for, by what it costs."""
        found = [
            Limit(each=each, name=name, per_second=quota.rate, burst=quota.burst)
            for each, quotas in (self._limits or {}).items()
            for name, quota in quotas.items()
        ]
        return LimitTable(enabled=self._limits is not None, limits=found)

    async def sockets(self, _operator: Operator, command: ListSockets) -> SocketPage:
        """A page of this pod's sockets."""
        found = await self._sockets.page(
            user_id=None if command.user_id is UNSET else command.user_id,
            after=None if command.after is UNSET else command.after,
            limit=command.limit + 1,
        )
        page = found[: command.limit]
        following = page[-1].socket if len(found) > command.limit else UNSET
        return SocketPage(sockets=[_shown(socket) for socket in page], next=following)

    async def close(self, operator: Operator, command: CloseSocket) -> None:
        """Close a socket of this pod; its client may come back at once."""
        closed = await self._sockets.close(command.socket)
        if closed is None:
            raise NotFound("no such socket on this pod", field="socket")
        act = Act(kind="socket.closed", user_id=closed.user_id, device_id=closed.device_id)
        await self._trail.record(party(operator), act)

    async def drain(self, operator: Operator, _command: DrainPod) -> None:
        """Have this pod end as by SIGTERM; harmless if it does."""
        if not (await self._life.state()).draining:
            await self._trail.record(party(operator), Act(kind="pod.drained"))
        self._life.end()


def _shown(socket: LocalSocket) -> SocketView:
    return SocketView(
        socket=socket.socket,
        user_id=socket.user_id,
        device_id=socket.device_id,
        address=socket.address,
        transport=socket.transport,
        connected_at=timestamp(socket.since) if socket.since else UNSET,
        rooms=socket.rooms,
    )
