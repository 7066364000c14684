"""What operators may ask about what happens now, on the wire."""

from typing import Final

from whatchat.domain.contract import Endpoint
from whatchat.features.debug import contract
from whatchat.features.debug.service import DebugDesk

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    Endpoint(contract.ListPods, DebugDesk.pods, http="GET /debug/pods", scope="read"),
    Endpoint(contract.ShowPod, DebugDesk.pod, http="GET /debug/pods/{pod}", scope="read"),
    Endpoint(contract.ListLiveRooms, DebugDesk.rooms, http="GET /debug/rooms", scope="read"),
    Endpoint(contract.ShowLiveRoom, DebugDesk.room, http="GET /debug/rooms/{roomId}", scope="read"),
    Endpoint(contract.ListLiveSockets, DebugDesk.sockets, http="GET /debug/sockets", scope="read"),
    Endpoint(
        contract.ShowLiveSocket,
        DebugDesk.socket,
        http="GET /debug/sockets/{socket}",
        scope="read",
    ),
    Endpoint(
        contract.TraceMessage,
        DebugDesk.message,
        http="GET /debug/messages/{messageId}",
        scope="read",
    ),
)
