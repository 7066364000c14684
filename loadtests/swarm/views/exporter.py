"""A run's figures for Prometheus, from the process that has all of them: Locust's master.

A locustfile that imports this module has ``--metrics-port``.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import gevent
from gevent.pywsgi import WSGIServer
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner
from locust.stats import StatsEntry
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from loadtests.swarm.scenario import Scenario
from loadtests.swarm.tally import tallies
from loadtests.swarm.views.figures import (
    BOUNDS,
    CLOSES,
    CONNECTED,
    COUNTED,
    CPU,
    FAILURES,
    PORT,
    REQUESTS,
    RUN,
    SECONDS,
    USERS,
    WANTED,
    Figure,
)

LINGERS: Final = 1.5
"""For so many of its scraper's intervals a run that is over waits to be scraped once more."""

LONGEST_SECONDS: Final = 30.0
_LOOKS_SECONDS: Final = 0.1

log: Final = logging.getLogger("loadtests")


class Figures(Collector):
    """Reads what Locust and the tally have, whenever somebody asks.

    All of Locust is one thread, and nothing here waits: what is read is of one moment.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def collect(self) -> Iterator[Metric]:
        """All figures, those of zero included."""
        yield from self._people()
        yield from self._of_locust()
        yield from self._of_the_tally()

    def _people(self) -> Iterator[Metric]:
        runner = self._environment.runner
        yield _gauge(RUN, {(name,): 1 for name in self._scenarios()})
        yield _gauge(USERS, {(): runner.user_count if runner else 0})
        yield _gauge(WANTED, {(): runner.target_user_count if runner else 0})
        yield _gauge(CONNECTED, {(): tallies(self._environment).total.connected})
        used: dict[tuple[str, ...], float] = {("main",): runner.current_cpu_usage if runner else 0}
        if isinstance(runner, MasterRunner):
            workers = enumerate(runner.clients.values(), 1)
            used |= {(f"worker-{number}",): worker.cpu_usage for number, worker in workers}
        yield _gauge(CPU, {of: percent / 100 for of, percent in used.items()})

    def _scenarios(self) -> Iterator[str]:
        for played in self._environment.user_classes:
            if isinstance(scenario := getattr(played, "scenario", None), Scenario):
                yield scenario.name

    def _of_locust(self) -> Iterator[Metric]:
        entries = list(self._environment.stats.entries.values())
        kinds = [((entry.method, entry.name), entry) for entry in entries]
        yield _counter(REQUESTS, {kind: entry.num_requests for kind, entry in kinds})
        yield _counter(FAILURES, {kind: entry.num_failures for kind, entry in kinds})
        seconds = HistogramMetricFamily(SECONDS.name, SECONDS.says, labels=SECONDS.labels)
        for kind, entry in kinds:
            seconds.add_metric(kind, _buckets(entry), entry.total_response_time / 1_000)
        yield seconds

    def _of_the_tally(self) -> Iterator[Metric]:
        total = tallies(self._environment).total
        yield _counter(CLOSES, {(str(code),): n for code, n in total.closed_by_code.items()})
        for field, figure in COUNTED.items():
            yield _counter(figure, {(): getattr(total, field)})


class Exporter:
    """Answers whoever scrapes; ``lingers`` until it has been scraped once more."""

    def __init__(self, environment: Environment) -> None:
        registry = CollectorRegistry()
        registry.register(Figures(environment))
        self._answer: Callable[..., Iterable[bytes]] = make_wsgi_app(registry)
        self._asked: deque[float] = deque(maxlen=2)

    def start(self, port: int) -> None:
        """Listen; a run whose port is taken goes on, and says that nobody sees it."""
        try:
            WSGIServer(("", port), self._answered, log=None, error_log=log).start()
        except OSError as error:
            log.warning("nobody can scrape this run: port %s: %s", port, error.strerror)

    def linger(self) -> None:
        """Have the last figures seen; who was never scraped, or only once, does not wait."""
        if len(self._asked) < 2:
            return
        before, last = self._asked
        seconds = min(LINGERS * (last - before), LONGEST_SECONDS)
        end = time.monotonic() + seconds
        while self._asked[-1] == last and time.monotonic() < end:
            gevent.sleep(_LOOKS_SECONDS)

    def _answered(self, request: dict[str, Any], respond: Callable[..., Any]) -> Iterable[bytes]:
        self._asked.append(time.monotonic())
        return self._answer(request, respond)


def add_arguments(parser: LocustArgumentParser) -> None:
    """Where to listen."""
    parser.add_argument("--metrics-port", type=int, default=PORT, help="for Prometheus; 0 for none")


def export(environment: Environment, **_: Any) -> None:
    """Have a master, or one who is alone, answer from now to the end of the run."""
    given = environment.parsed_options
    if isinstance(environment.runner, WorkerRunner) or not (given and given.metrics_port):
        return
    exporter = Exporter(environment)
    exporter.start(given.metrics_port)
    environment.events.quitting.add_listener(lambda **_: exporter.linger())


def _gauge(figure: Figure, values: dict[tuple[str, ...], float]) -> Metric:
    family = GaugeMetricFamily(figure.name, figure.says, labels=figure.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _counter(figure: Figure, values: dict[tuple[str, ...], float]) -> Metric:
    family = CounterMetricFamily(figure.name, figure.says, labels=figure.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _buckets(entry: StatsEntry) -> list[tuple[str, float]]:
    """How many took at most so long, for each bound."""
    times = entry.response_times
    found: list[tuple[str, float]] = [
        (str(bound), sum(n for ms, n in times.items() if ms <= 1_000 * bound)) for bound in BOUNDS
    ]
    return [*found, ("+Inf", sum(times.values()))]


events.init_command_line_parser.add_listener(add_arguments)
events.init.add_listener(export)
