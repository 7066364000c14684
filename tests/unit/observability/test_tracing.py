import re

import pytest

from whatchat.observability.tracing import current_trace_id, trace

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_trace_has_32_digits_and_ends_with_its_block() -> None:
    with trace() as trace_id:
        assert re.fullmatch("[0-9a-f]{32}", trace_id)
        assert current_trace_id() == trace_id
    assert current_trace_id() is None


def test_a_well_formed_traceparent_is_honoured() -> None:
    with trace(PARENT) as trace_id:
        assert trace_id == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "nonsense",
        PARENT.upper(),
        PARENT[:-10],
        PARENT.replace("00-", "ff-", 1),
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01",
    ],
)
def test_any_other_starts_a_new_trace(traceparent: str) -> None:
    with trace(traceparent) as trace_id:
        assert trace_id not in traceparent.lower()


def test_what_is_nested_belongs_to_the_same_trace() -> None:
    with trace() as outer, trace() as inner:
        assert inner == outer
