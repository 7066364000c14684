"""Catching up with what changed while a client was away."""
