"""Whoever blocks whom, in whichever order: stale state and events equal a fresh ``sync``."""

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.integration.services.conftest import House, PodServices, actor
from tests.integration.services.screens import Screen, Screens, caught_up, fresh
from tests.unit.client.comparable import comparable
from whatchat.domain.errors import Conflict, Forbidden, NotFound
from whatchat.domain.ids import ClientId, MessageId, RoomId, UserId, random_id
from whatchat.domain.models import Message
from whatchat.domain.ports.account_store import Account
from whatchat.domain.times import utc_now
from whatchat.features.messages.contract import (
    AddReaction,
    DeleteMessage,
    EditMessage,
    RemoveReaction,
    SendMessage,
)
from whatchat.features.rooms.contract import CreateRoom
from whatchat.realtime.tasks import Tasks


class Step(NamedTuple):
    """What one of two people does, or that a block between them comes or goes."""

    kind: str
    who: int
    target: int


STEPS = st.lists(
    st.builds(
        Step,
        kind=st.sampled_from(
            ["block", "unblock", "send", "reply", "edit", "react", "unreact", "delete"]
        ),
        who=st.integers(0, 1),
        target=st.integers(0, 3),
    ),
    min_size=4,
    max_size=14,
)


HERS_WITH_HIS_UNHEARD = [
    Step("block", 0, 0),
    Step("react", 1, 0),
    Step("edit", 1, 1),
    Step("edit", 0, 0),
    Step("react", 0, 1),
]
"""What both see of a message of which each sees something else."""


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    owner = Tasks()
    yield owner
    await owner.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(STEPS, st.integers(1, 3))
@example(HERS_WITH_HIS_UNHEARD, 1)
async def test_stale_state_and_events_equal_a_fresh_sync(
    house: House, tasks: Tasks, steps: list[Step], limit: int
) -> None:
    pods = house.pods or [await house.pod(), await house.pod()]
    people = [await a_person(house), await a_person(house)]
    room_id, messages = await a_direct_room(pods[0], people)
    screens = [Screens(pod, tasks) for pod in pods]
    devices = [
        [await one.open(name, f"{name}-{number}", room_id) for number in range(2)]
        for one, name in zip(screens, people, strict=True)
    ]
    for number, step in enumerate(steps):
        screen = devices[step.who][0]
        if step.kind in ("block", "unblock"):
            other = people[1 - step.who]
            getattr(house.blocks, step.kind)(screen.actor.user_id, other)
            continue
        await take(screen, room_id, step, messages, f"words {number}")
        head = (await house.store.rooms.heads([room_id]))[room_id]
        for one in screens:
            await one.settle(room_id, head)

    for pod in pods:
        for own in devices:
            name = own[0].actor.user_id
            expected = comparable(await fresh(pod, name))
            for device in own:
                assert comparable(device.now) == expected
                stale = await caught_up(pod, device.begun, limit=limit)
                assert comparable(stale) == expected


async def a_person(house: House) -> str:
    name = f"person-{random_id()[:12]}"
    await house.store.accounts.add(
        Account(
            user_id=UserId(name),
            username=name,
            display_name=name,
            password_hash="",
            created_at=utc_now(),
        )
    )
    return name


async def a_direct_room(pod: PodServices, people: list[str]) -> tuple[RoomId, list[MessageId]]:
    """Two people's room, in which each has said something."""
    command = CreateRoom(kind="direct", participants=(UserId(people[1]),))
    room_id = (await pod.rooms.create(actor(people[0]), command)).value.id
    return room_id, [(await pod.send(name, room_id, f"first of {name}")).id for name in people]


async def take(
    screen: Screen, room_id: RoomId, step: Step, messages: list[MessageId], text: str
) -> None:
    target = messages[step.target % len(messages)]
    try:
        answer = await asked(screen, room_id, step, target, text)
    except (NotFound, Forbidden, Conflict):
        return
    screen.keep(answer)
    if step.kind in ("send", "reply"):
        messages.append(answer.id)


async def asked(
    screen: Screen, room_id: RoomId, step: Step, target: MessageId, text: str
) -> Message:
    service, who = screen.pod.messages, screen.actor
    client_id = ClientId(random_id())
    match step.kind:
        case "send":
            send = SendMessage(room_id=room_id, client_id=client_id, content=text)
            return (await service.send(who, send)).value
        case "reply":
            reply = SendMessage(room_id=room_id, client_id=client_id, content=text, reply_to=target)
            return (await service.send(who, reply)).value
        case "edit":
            return await service.edit(who, EditMessage(message_id=target, content=text))
        case "react":
            return await service.react(who, AddReaction(message_id=target, emoji="👍"))
        case "unreact":
            return await service.unreact(who, RemoveReaction(message_id=target, emoji="👍"))
        case _:
            return await service.delete(who, DeleteMessage(message_id=target))
