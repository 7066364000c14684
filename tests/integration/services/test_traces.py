"""The room's writer serves many commands at once; each has the spans of its own."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.services.conftest import House, PodServices
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import RoomId
from whatchat.observability.spans import Span
from whatchat.observability.tracing import Tracing, current_span, current_trace_id, trace

CLIENT_ID = "c" * 16


class Traces:
    """Commands under traces that are all sampled; ``spans`` are those that have ended."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._tracing = Tracing(1, self.spans.append)

    @contextmanager
    def command(self) -> Iterator[str]:
        with self._tracing.command("SendMessage") as trace_id:
            yield trace_id

    async def send(
        self, pod: PodServices, sender: str, room_id: RoomId, client_id: str | None = None
    ) -> str:
        """Say something; the trace's id."""
        with self.command() as trace_id:
            await pod.send(sender, room_id, client_id=client_id)
        return trace_id

    def named(self, trace_id: str) -> dict[str, Span]:
        """The spans of a trace by their names, each of which is there once."""
        spans = [span for span in self.spans if span.trace_id == trace_id]
        assert len({span.name for span in spans}) == len(spans)
        return {span.name: span for span in spans}


@pytest.fixture
async def pod(house: House) -> PodServices:
    return await house.pod()


@pytest.fixture
def traces() -> Traces:
    return Traces()


async def test_commands_that_share_an_append_have_spans_of_their_own(
    pod: PodServices, traces: Traces
) -> None:
    room = await pod.group("ada", "bob")
    senders = ["ada", "bob"] * 4
    ids = await asyncio.gather(*(traces.send(pod, sender, room.id) for sender in senders))

    assert len(set(ids)) == len(senders)
    sizes = []
    for trace_id in ids:
        spans = traces.named(trace_id)
        assert set(spans) == {"SendMessage", "append", "insert log", "publish room"}
        assert spans["append"].attributes["whatchat.room.id"] == room.id
        sizes.append(spans["insert log"].attributes.get("db.operation.batch.size", 1))
    revs = [traces.named(one)["append"].attributes["whatchat.rev"] for one in ids]
    assert sorted(revs) == list(range(room.rev + 1, room.rev + 1 + len(senders)))
    assert all(sizes.count(size) % int(size) == 0 for size in sizes)
    assert set(sizes) != {1}


async def test_beside_commands_that_are_not_sampled(pod: PodServices, traces: Traces) -> None:
    room = await pod.group("ada", "bob")
    others = [asyncio.create_task(pod.send("bob", room.id)) for _ in range(5)]
    trace_id = await traces.send(pod, "ada", room.id)
    await asyncio.gather(*others)
    assert {span.trace_id for span in traces.spans} == {trace_id}
    assert len(traces.named(trace_id)) == 4


async def test_what_is_refused_says_so_and_is_no_failure(pod: PodServices, traces: Traces) -> None:
    room = await pod.group("ada")
    with pytest.raises(ChatError) as refusal:
        await traces.send(pod, "eve", room.id)
    command = next(span for span in traces.spans if span.name == "SendMessage")
    append = traces.named(command.trace_id)["append"]
    assert append.attributes["whatchat.outcome"] == refusal.value.code
    assert not any(span.error for span in traces.spans)


async def test_a_retry_says_that_it_is_one_and_its_trace_goes_on(
    pod: PodServices, traces: Traces
) -> None:
    room = await pod.group("ada")
    await traces.send(pod, "ada", room.id, CLIENT_ID)
    spans = traces.named(await traces.send(pod, "ada", room.id, CLIENT_ID))
    assert set(spans) == {"SendMessage", "append", "insert log", "publish room"}
    assert spans["append"].attributes["whatchat.outcome"] == "repeated"
    assert spans["publish room"].attributes["whatchat.rev"] == room.rev + 1


async def test_the_writer_works_under_no_command_s_trace(
    pod: PodServices, monkeypatch: pytest.MonkeyPatch, traces: Traces
) -> None:
    room = await pod.group("ada")
    seen = []
    append = pod.log._messages.append

    async def watched(*args: object) -> object:
        seen.append((current_trace_id(), current_span()))
        return await append(*args)  # type: ignore[arg-type] # as it came

    monkeypatch.setattr(pod.log._messages, "append", watched)
    await traces.send(pod, "ada", room.id)
    with trace():
        await pod.send("ada", room.id)
    assert seen == [(None, None)] * 2
