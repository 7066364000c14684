"""Spans in OTLP's wire format.

OpenTelemetry's own generated classes are filled directly: by way of the SDK's span model the same
takes ten times as long, which the event loop, as threads share one interpreter, would wait for.
"""

from collections.abc import Sequence
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, SpanFlags, Status
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Encoded

from whatchat import __version__
from whatchat.observability.spans import Kind, Span

SCHEMA: Final = "https://opentelemetry.io/schemas/1.44.0"

_KINDS: Final[dict[Kind, Encoded.SpanKind.ValueType]] = {
    "internal": Encoded.SPAN_KIND_INTERNAL,
    "server": Encoded.SPAN_KIND_SERVER,
    "client": Encoded.SPAN_KIND_CLIENT,
    "producer": Encoded.SPAN_KIND_PRODUCER,
    "consumer": Encoded.SPAN_KIND_CONSUMER,
}
_SAMPLED: Final = 0x01 | SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
_BELOW_REMOTE: Final = _SAMPLED | SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK


class Encoder:
    """Makes the requests of one pod, which its spans are marked with."""

    def __init__(self, pod: str) -> None:
        self._resource = {
            "service.name": "whatchat",
            "service.version": __version__,
            "service.instance.id": pod,
        }

    def encode(self, spans: Sequence[Span]) -> bytes:
        """An ``ExportTraceServiceRequest`` with all of them."""
        request = ExportTraceServiceRequest()
        ours = request.resource_spans.add(schema_url=SCHEMA)
        for key, value in self._resource.items():
            ours.resource.attributes.add(key=key).value.string_value = value
        scope = ours.scope_spans.add(schema_url=SCHEMA)
        scope.scope.name, scope.scope.version = "whatchat", __version__
        for span in spans:
            _add(scope, span)
        encoded: bytes = request.SerializeToString()
        return encoded


def _add(scope: ScopeSpans, span: Span) -> None:
    parent = span.parent
    added = scope.spans.add(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        name=span.name,
        kind=_KINDS[span.kind],
        start_time_unix_nano=span.start_ns,
        end_time_unix_nano=span.end_ns,
        flags=_BELOW_REMOTE if parent and parent.is_remote else _SAMPLED,
    )
    if parent is not None:
        added.parent_span_id = bytes.fromhex(parent.span_id)
    if span.error:
        added.status.code = Status.STATUS_CODE_ERROR
    for key, value in span.attributes.items():
        held = added.attributes.add(key=key).value
        if isinstance(value, str):
            held.string_value = value
        else:
            held.int_value = value
