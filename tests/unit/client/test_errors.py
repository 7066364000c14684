"""Errors come back as what the server raised."""

import msgspec
import pytest

from whatchat.client.errors import error_from, error_of_status
from whatchat.domain.errors import (
    ChatError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

ERRORS: list[ChatError] = [
    Invalid("wrong", field="content"),
    Unauthenticated(),
    Forbidden(),
    NotFound(),
    Conflict("full", reason="room_full"),
    TooLarge(),
    RateLimited(retry_after_ms=1_500),
    Unavailable(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_an_error_survives_the_wire(error: ChatError) -> None:
    told = error_from(msgspec.json.decode(msgspec.json.encode(error.body())))
    assert type(told) is type(error)
    assert told.body() == error.body()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"code": "out_of_paper", "message": "no", "retryable": True}, Unavailable),
        ({"code": "out_of_order", "message": "no", "retryable": False}, Invalid),
        ("broken", Unavailable),
        (None, Unavailable),
    ],
)
def test_an_unknown_error_counts_by_whether_it_can_be_retried(
    body: object, kind: type[ChatError]
) -> None:
    assert type(error_from(body)) is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [(502, Unavailable), (401, Unauthenticated), (404, NotFound), (418, Invalid)],
)
def test_an_answer_from_something_on_the_way_counts_by_its_status(
    status: int, kind: type[ChatError]
) -> None:
    assert type(error_of_status(status)) is kind
