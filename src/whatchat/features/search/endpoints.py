"""Searching on the wire."""

from whatchat.domain.contract import Endpoint
from whatchat.features.search.contract import Search
from whatchat.features.search.service import SearchService

ENDPOINTS = (Endpoint(Search, SearchService.search, http="GET /api/search", cost="query"),)

EVENTS = ()
