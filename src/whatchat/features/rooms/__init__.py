"""Rooms: who is in them, what they are called and how they behave."""
