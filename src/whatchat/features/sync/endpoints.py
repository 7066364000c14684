"""Catching up on the wire."""

from whatchat.domain.contract import Endpoint
from whatchat.features.sync.contract import Sync
from whatchat.features.sync.service import SyncService

ENDPOINTS = (Endpoint(Sync, SyncService.sync, socket="sync", http="POST /api/sync", cost="query"),)

EVENTS = ()
