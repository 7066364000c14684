"""Messages on the wire."""

from whatchat.domain.contract import Endpoint
from whatchat.features.messages.contract import (
    AddReaction,
    DeleteMessage,
    EditMessage,
    MessageChanged,
    MessageErased,
    MessageSent,
    ReadHistory,
    RemoveReaction,
    SendMessage,
)
from whatchat.features.messages.service import MessageService

_REACTION = "/api/messages/{messageId}/reactions/{emoji}"

ENDPOINTS = (
    Endpoint(
        SendMessage,
        MessageService.send,
        socket="message:send",
        ack="message",
        http="POST /api/messages",
        status=201,
        cost="message",
    ),
    Endpoint(
        EditMessage,
        MessageService.edit,
        socket="message:edit",
        ack="message",
        http="PATCH /api/messages/{messageId}",
        cost="message",
    ),
    Endpoint(
        DeleteMessage,
        MessageService.delete,
        socket="message:delete",
        ack="message",
        http="DELETE /api/messages/{messageId}",
        status=204,
    ),
    Endpoint(
        AddReaction,
        MessageService.react,
        socket="reaction:add",
        ack="message",
        http=f"PUT {_REACTION}",
    ),
    Endpoint(
        RemoveReaction,
        MessageService.unreact,
        socket="reaction:remove",
        ack="message",
        http=f"DELETE {_REACTION}",
    ),
    Endpoint(ReadHistory, MessageService.history, http="GET /api/messages/{roomId}", cost="query"),
)

EVENTS = (MessageSent, MessageChanged, MessageErased)
