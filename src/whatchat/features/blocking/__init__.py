"""Blocking: who wants nothing of whom."""
