"""Locust's user: one person of the cast, who comes, talks and is judged."""

from typing import ClassVar

from locust import User

from loadtests.swarm import exporter, judging, options, tally
from loadtests.swarm.scenario import Scenario

__all__ = ["ChatUser", "exporter", "judging", "options", "tally"]


class ChatUser(User):
    """Plays the next person of this process' shard; a scenario's own class names it."""

    abstract = True
    scenario: ClassVar[Scenario]
