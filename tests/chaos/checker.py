"""The judge: whether everything that was accepted has reached everybody, once, in one order."""

from tests.chaos.evidence import Evidence
from tests.chaos.problems import Problem
from tests.chaos.told import Told
from tests.chaos.wrong_changes import wrong_changes
from tests.chaos.wrong_logs import wrong_logs
from tests.chaos.wrong_views import wrong_views
from tests.chaos.wrong_ways import wrong_ways


def check(evidence: Evidence) -> list[Problem]:
    """All that is wrong; nothing if all is well."""
    told = Told.by(evidence)
    return [
        *wrong_logs(evidence, told),
        *wrong_changes(evidence, told),
        *wrong_views(evidence, told),
        *wrong_ways(evidence, told),
    ]
