"""Scenarios: each module is a locustfile, and has a ``SCENARIO``."""
