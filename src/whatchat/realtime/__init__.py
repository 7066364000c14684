"""Connections and fan-out: the hot path, without business rules."""
