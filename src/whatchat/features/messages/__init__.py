"""Sending, reading and changing messages."""
