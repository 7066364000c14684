"""Locust is imported by the load test's own package first, which leaves this process unpatched."""

import loadtests.swarm

__all__ = ["loadtests"]
