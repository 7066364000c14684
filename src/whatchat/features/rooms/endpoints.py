"""Rooms on the wire."""

from whatchat.domain.contract import Endpoint
from whatchat.features.rooms.contract import (
    AddMembers,
    CreateRoom,
    GetRoom,
    GrantAdmin,
    JoinRoom,
    LeaveRoom,
    ListMembers,
    ListRooms,
    RemoveMember,
    RevokeAdmin,
    RoomAltered,
    RoomEntered,
    RoomLeft,
    UpdateRoom,
)
from whatchat.features.rooms.service import RoomService

_ROOM = "/api/rooms/{roomId}"

ENDPOINTS = (
    Endpoint(
        CreateRoom,
        RoomService.create,
        socket="room:create",
        ack="room",
        http="POST /api/rooms",
        status=201,
    ),
    Endpoint(ListRooms, RoomService.list, http="GET /api/rooms", cost="query"),
    Endpoint(GetRoom, RoomService.get, http=f"GET {_ROOM}", cost="query"),
    Endpoint(UpdateRoom, RoomService.update, socket="room:update", ack="room", http=f"PUT {_ROOM}"),
    Endpoint(ListMembers, RoomService.members, http=f"GET {_ROOM}/members", cost="query"),
    Endpoint(AddMembers, RoomService.add, http=f"POST {_ROOM}/members"),
    Endpoint(
        RemoveMember, RoomService.remove, http=f"DELETE {_ROOM}/members/{{userId}}", status=204
    ),
    Endpoint(JoinRoom, RoomService.join, socket="room:join", ack="room", http=f"POST {_ROOM}/join"),
    Endpoint(
        LeaveRoom, RoomService.leave, socket="room:leave", ack="room", http=f"POST {_ROOM}/leave"
    ),
    Endpoint(GrantAdmin, RoomService.grant_admin, http=f"PUT {_ROOM}/admins/{{userId}}"),
    Endpoint(RevokeAdmin, RoomService.revoke_admin, http=f"DELETE {_ROOM}/admins/{{userId}}"),
)

EVENTS = (RoomEntered, RoomAltered, RoomLeft)
