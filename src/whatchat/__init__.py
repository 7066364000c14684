"""Whatchat: a privacy-first, real-time chat backend."""

__version__ = "0.1.0"
