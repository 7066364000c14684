"""Receipts on the wire."""

from whatchat.domain.contract import Endpoint
from whatchat.features.receipts.contract import (
    MarkDelivered,
    MarkRead,
    ReceiptDelivered,
    ReceiptRead,
    ReceiptsCounted,
)
from whatchat.features.receipts.service import ReceiptService

ENDPOINTS = (
    Endpoint(
        MarkDelivered,
        ReceiptService.mark_delivered,
        socket="message:delivered",
        cost="receipt",
        begin=ReceiptService.begin_delivered,
    ),
    Endpoint(
        MarkRead,
        ReceiptService.mark_read,
        socket="message:read",
        http="POST /api/rooms/{roomId}/read",
        status=204,
        cost="receipt",
        begin=ReceiptService.begin_read,
    ),
)

EVENTS = (ReceiptDelivered, ReceiptRead, ReceiptsCounted)
