"""Leads from the cluster to a pod, a room, a socket and a message, as they are now."""

from collections.abc import Iterator
from typing import Final

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel, VariableModel

from dashboards.source.board import Panels, Row, board, chosen
from dashboards.source.links import DEBUG, PODS, narrower
from dashboards.source.live import Answer, Field
from dashboards.source.overview import pods_at_a_glance
from dashboards.source.panels import HALF, THIRD, answer, graph, of_each
from dashboards.source.promql import OURS, RATE
from dashboards.source.queries import lines
from whatchat.features.debug.contract import (
    ListLiveRooms,
    ListLiveSockets,
    ListPods,
    ShowLiveRoom,
    ShowLiveSocket,
    TraceMessage,
)

MOMENT: Final = "time:YYYY-MM-DD HH:mm:ss.SSS"

FIRST: Final = "100"
"""So many rows a table asks for."""


def _to(title: str, **chosen: str) -> DashboardLink:
    """A link that chooses this and unchooses all else but the message.

    A variable that an address leaves out would keep what it has.
    """
    unchosen = {"livePod": "", "room": "", "user": "", "socket": "", "message": "message"}
    return narrower(title, DEBUG, **{**unchosen, **chosen})


TO_POD: Final = _to("Its rooms and sockets", livePod="__data.fields.Pod")
TO_ROOM: Final = _to("Its sockets", livePod="livePod", room="__data.fields.Room")
TO_USER: Final = _to("All sockets of this person", user="__data.fields.User")
TO_SOCKET: Final = _to(
    "This socket", livePod="livePod", room="room", user="user", socket="__data.fields.Socket"
)

POD: Final = Field("pod", "Pod", links=[TO_POD])
ROOM: Final = Field("roomId", "Room", links=[TO_ROOM])
USER: Final = Field("userId", "User", links=[TO_USER])
SOCKET: Final = Field("socket", "Socket", links=[TO_SOCKET])


def dashboard() -> Dashboard:
    """Each table's links fill in the variable that the next one asks with."""
    return board(DEBUG, __doc__, _rows(), variables=_chosen(), span="now-15m", refresh="")


def _chosen() -> list[Builder[VariableModel]]:
    return [
        chosen("livePod", "Live pod", "A pod as it calls itself; empty for all."),
        chosen("room", "Room", "A room's id; empty for all."),
        chosen("user", "User", "A person's id; empty for all."),
        chosen("socket", "Socket", "A socket as the log calls it."),
        chosen("message", "Message", "A message's id, as clients and the log have it."),
    ]


def _rows() -> Iterator[Row]:
    yield "1. Cluster", [pods_at_a_glance(DEBUG)]
    yield "2. Pod: $pod", _pod()
    yield "3. Live pod: choose one, or see all", [_live_pods()]
    yield "4. Room: ${livePod} ${room}", [_rooms(), _room()]
    yield "5. Sockets: ${livePod} ${room} ${user}", [_sockets(), _gone()]
    yield "6. Socket: ${socket}", _socket()
    yield "7. Message: ${message}", _message()


def _pod() -> Panels:
    yield graph(
        "Sockets of the pod",
        "Connected sockets of the chosen pods, by transport.",
        "short",
        lines("sum by (pod, transport) (whatchat_connected_sockets)", "{{pod}} {{transport}}"),
        to=PODS,
    )
    yield graph(
        "Rooms and people of the pod",
        "Rooms and people with a socket on the chosen pods.",
        "short",
        lines("sum by (pod) (whatchat_local_rooms)", "{{pod}}: rooms"),
        lines("sum by (pod) (whatchat_local_users)", "{{pod}}: people"),
        to=PODS,
    )
    yield of_each(
        "pod",
        "Delivery time of the pod",
        "From a change's being durable to its being written to the pod's sockets: the slowest "
        "hundredth.",
        "whatchat_delivery_seconds",
        to=PODS,
    )
    yield of_each(
        "pod",
        "Event-loop lag of the pod",
        "How late timers run: the latest hundredth.",
        "whatchat_event_loop_lag_seconds",
        steps=((0, "green"), (0.1, "orange"), (0.5, "red")),
        to=PODS,
    )
    yield graph(
        "Events written by the pod",
        "Events written to the sockets of the chosen pods, per second.",
        "eps",
        lines(f"sum by (pod) (rate(whatchat_deliveries_total{RATE}))", "{{pod}}"),
        to=PODS,
    )
    yield graph(
        "CPU of the pod",
        "The share of one core that each chosen pod uses.",
        "percentunit",
        lines(f"sum by (pod) (rate(process_cpu_seconds_total{RATE}) {OURS})", "{{pod}}"),
        to=PODS,
    )


def _live_pods() -> Builder[Panel]:
    return answer(
        "Pods",
        "Each pod as it told of itself within the last seconds. A click leads to its rooms and "
        "sockets.",
        Answer(
            ListPods,
            "pods",
            [
                POD,
                Field("version", "Version"),
                Field("ready", "Ready", "bool"),
                Field("draining", "Draining", "bool"),
                Field("sockets", "Sockets", "short"),
                Field("rooms", "Rooms", "short"),
                Field("users", "People", "short"),
                Field("loopLagMs", "Loop lag", "ms"),
                Field("memoryBytes", "Memory", "bytes"),
                Field("startedAt", "Started", "dateTimeFromNow"),
                Field("silentMs", "Silent for", "ms"),
            ],
        ),
        height=7,
        nothing="No pod has told of itself",
    )


def _rooms() -> Builder[Panel]:
    return answer(
        "Rooms with the most sockets",
        "Rooms with sockets on the chosen pod, or on all. Behind: how many revs the last pod "
        "lacks; hole: a pod knows that it lacks one.",
        Answer(
            ListLiveRooms,
            "rooms",
            [
                ROOM,
                Field("sockets", "Sockets", "short"),
                Field("users", "People", "short"),
                Field("pods", "Pods", "short"),
                Field("head", "Head", "none"),
                Field("behind", "Behind", "short"),
                Field("hole", "Hole", "bool"),
            ],
            {"pod": "${livePod}", "limit": FIRST},
        ),
        width=HALF,
        nothing="No room has a socket there",
    )


def _room() -> Builder[Panel]:
    return answer(
        "The room, pod by pod",
        "The chosen room on each pod that has a socket in it. Heads that differ for long say that "
        "a pod does not hear.",
        Answer(
            ShowLiveRoom,
            "perPod",
            [
                POD,
                Field("sockets", "Sockets", "short"),
                Field("users", "People", "short"),
                Field("head", "Head", "none"),
                Field("hole", "Hole", "bool"),
                Field("subscribed", "Subscribed", "bool"),
            ],
            {"roomId": "${room}"},
        ),
        width=HALF,
        nothing="No room is chosen, or it has no sockets: choose one on the left",
    )


SOCKET_FIELDS: Final = (
    SOCKET,
    USER,
    Field("deviceId", "Device"),
    POD,
    Field("transport", "Transport"),
    Field("address", "Address"),
    Field("state", "State"),
    Field("rooms", "Rooms", "short"),
    Field("outboxBytes", "Outbox", "bytes"),
    Field("roundTripMs", "Round trip", "ms"),
    Field("connectedAt", "Connected", "dateTimeFromNow"),
)
GONE_FIELDS: Final = (
    Field("closedAt", "Gone", "dateTimeFromNow"),
    Field("closeCode", "Code", "none"),
    Field("closeReason", "Reason"),
)


def _sockets() -> Builder[Panel]:
    return answer(
        "Sockets",
        "Sockets now, of the chosen pod, room and person. A click on one leads to all about it.",
        Answer(
            ListLiveSockets,
            "sockets",
            SOCKET_FIELDS,
            {"pod": "${livePod}", "roomId": "${room}", "userId": "${user}", "limit": FIRST},
        ),
        nothing="No socket is in there",
    )


def _gone() -> Builder[Panel]:
    return answer(
        "Sockets that went lately",
        "Sockets that are gone, of the chosen pod and person, and why; the last thousand of each "
        "pod.",
        Answer(
            ListLiveSockets,
            "sockets",
            (*SOCKET_FIELDS[:5], *GONE_FIELDS),
            {"pod": "${livePod}", "userId": "${user}", "state": "closed", "limit": FIRST},
        ),
        height=7,
        nothing="None went lately",
    )


def _socket() -> Panels:
    given = {"socket": "${socket}"}
    yield answer(
        "The socket",
        "The chosen socket: whose, where, for how long, and how it fares.",
        Answer(ShowLiveSocket, "", (*SOCKET_FIELDS, *GONE_FIELDS), given),
        height=4,
        nothing="No socket is chosen, or it is long gone: choose one above",
    )
    commands = (
        Field("at", "At", MOMENT),
        Field("command", "Command"),
        Field("outcome", "Outcome"),
        Field("ms", "Took", "ms"),
    )
    yield answer(
        "Its last commands",
        "What the chosen socket asked for last, and what came of it.",
        Answer(ShowLiveSocket, "commands", commands, given),
        width=HALF,
        nothing="No socket is chosen, or it is long gone: choose one above",
    )
    yield answer(
        "Its last failures",
        "The last commands of the chosen socket that did not end with ok.",
        Answer(ShowLiveSocket, "errors", commands, given),
        width=HALF,
        nothing="None, or no socket is chosen",
    )


def _message() -> Panels:
    given = {"messageId": "${message}"}
    yield answer(
        "The message",
        "The chosen message, without what it says: who wrote it where, and how far it has got.",
        Answer(
            TraceMessage,
            "",
            [
                ROOM,
                Field("seq", "Seq", "none"),
                Field("senderId", "User", links=[TO_USER]),
                POD,
                Field("acceptedAt", "Accepted", MOMENT),
                Field("persistedAt", "Persisted", MOMENT),
                Field("publishedAt", "Published", MOMENT),
                Field("sockets", "Sockets", "short"),
                Field("delivered", "Delivered to", "short"),
                Field("read", "Read by", "short"),
            ],
            given,
        ),
        height=4,
        nothing="No message is chosen, or no pod remembers it: type its id at the top",
    )
    yield answer(
        "Its way",
        "Accepted, persisted, published, written to sockets, acknowledged: when, and how long "
        "after it was accepted.",
        Answer(
            TraceMessage,
            "steps",
            [
                Field("at", "At", MOMENT),
                Field("step", "Step"),
                POD,
                Field("ms", "After", "ms"),
                Field("sockets", "Sockets", "short"),
                USER,
            ],
            given,
        ),
        width=THIRD,
        nothing="No message is chosen, or no pod remembers it: type its id at the top",
    )
    yield answer(
        "Written to",
        "The first sockets that the chosen message was written to.",
        Answer(
            TraceMessage,
            "written",
            [Field("at", "At", MOMENT), SOCKET, USER, POD],
            given,
        ),
        width=THIRD,
        nothing="No message is chosen, or no pod remembers it: type its id at the top",
    )
    yield answer(
        "Acknowledged by",
        "Devices that acknowledged the chosen message, or a later one of its room.",
        Answer(
            TraceMessage,
            "receipts",
            [
                Field("at", "At", MOMENT),
                USER,
                Field("deviceId", "Device"),
                Field("kind", "Kind"),
            ],
            given,
        ),
        width=THIRD,
        nothing="No message is chosen, or no pod remembers it: type its id at the top",
    )
