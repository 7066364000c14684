"""Connections and fan-out: the hot path, without business rules."""

from whatchat.realtime.versions import require_versions

require_versions()  # before anything here imports them
