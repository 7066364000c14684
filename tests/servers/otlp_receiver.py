"""A collector: takes OTLP over HTTP in protobuf, and keeps the spans."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

PATH: Final = "/v1/traces"
KINDS: Final = {
    number: name.removeprefix("SPAN_KIND_").lower() for name, number in Span.SpanKind.items()
}


@dataclass(frozen=True)
class Received:
    """A span as it arrived; ``pod`` is the instance that sent it."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    below_remote: bool
    failed: bool
    start: int
    end: int
    attributes: Mapping[str, Any]
    pod: str


class Answer:
    """What the collector answers: ``status`` after ``seconds``."""

    def __init__(self, status: int = 200, *, seconds: float = 0.0, **headers: str) -> None:
        self.status = status
        self.seconds = seconds
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may go before they have their answer."""


class OtlpReceiver:
    """Keeps what it answers with a status below 300; ``bodies`` is all that came, as it came.

    ``answer`` says what is answered, and may be changed at any time.
    """

    def __init__(self) -> None:
        self.spans: list[Received] = []
        self.bodies: list[bytes] = []
        self.headers: list[Mapping[str, str]] = []
        self.answer: Callable[[], Answer] = Answer
        self._port = 0
        self._server: _Server | None = None
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """What a pod is told as its endpoint."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Answer, at the same port as before."""
        self._stopped.clear()
        self._server = _Server(("127.0.0.1", self._port), self._handler())
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Answer no more; harmless if that has happened."""
        self._stopped.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def of_trace(self, trace_id: str) -> list[Received]:
        """The spans of one trace, by their beginnings."""
        return sorted(
            (span for span in tuple(self.spans) if span.trace_id == trace_id),
            key=lambda span: span.start,
        )

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Keep what was sent, if it is answered so."""
        answer = self.answer() if path == PATH else Answer(404)
        self.bodies.append(body)
        self.headers.append(headers)
        self._stopped.wait(answer.seconds)
        if answer.status < 300:
            self.spans += _received(ExportTraceServiceRequest.FromString(body))
        return answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                answer = receiver.take(self.path, dict(self.headers.items()), body)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                """Nothing."""

        return Handler


def _received(request: ExportTraceServiceRequest) -> list[Received]:
    return [
        Received(
            name=span.name,
            kind=KINDS[span.kind],
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            below_remote=bool(span.flags & 0x200),
            failed=span.status.code == Status.STATUS_CODE_ERROR,
            start=span.start_time_unix_nano,
            end=span.end_time_unix_nano,
            attributes=_attributes(span.attributes),
            pod=_attributes(ours.resource.attributes)["service.instance.id"],
        )
        for ours in request.resource_spans
        for scope in ours.scope_spans
        for span in scope.spans
    ]


def _attributes(given: Any) -> dict[str, Any]:
    return {one.key: _value(one) for one in given}


def _value(one: KeyValue) -> Any:
    return getattr(one.value, str(one.value.WhichOneof("value")))
