"""A locustfile: our own people."""

from loadtests.bench.users.plan import SCENARIO
from loadtests.swarm.user import ChatUser


class LeanUser(ChatUser):
    """Somebody of this scenario."""

    scenario = SCENARIO
