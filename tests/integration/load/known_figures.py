"""A locustfile whose users reach nobody: they say what is known to whoever tests it."""

from locust import User, constant, task

from loadtests.swarm.cast import Layout
from loadtests.swarm.scenario import Scenario
from loadtests.swarm.tally import tallies
from loadtests.swarm.views import exporter

MEASURED = [
    ("connect", "websocket", 20.0, None),
    ("connect", "websocket", 700.0, ValueError("no greeting")),
    ("delivery", "message:new", 0.4, None),
    ("delivery", "message:new", 147.0, None),
    ("ack", "message:send", 3.0, None),
    ("reconnect", "resume", 30.0, None),
]

__all__ = ["KnownUser", "exporter"]


class KnownUser(User):
    """Tries all of it twenty times a second, the first time as soon as it is there."""

    scenario = Scenario(
        name="known",
        layout=Layout.PAIRS,
        users=2,
        spawn_rate=2,
        hold_seconds=60,
        message_rate=40,
    )
    wait_time = constant(0.05)

    def on_start(self) -> None:
        tallies(self.environment).own.connected += 1

    @task
    def measure(self) -> None:
        tally = tallies(self.environment).own
        for kind, name, milliseconds, error in MEASURED:
            self.environment.events.request.fire(
                request_type=kind,
                name=name,
                response_time=milliseconds,
                response_length=0,
                exception=error,
                context={},
            )
        tally.accepted += 1
        tally.delivered += 2
        tally.bad_requests += 1
        tally.closed(4408)
