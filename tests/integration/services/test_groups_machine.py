"""A group on two pods against a model of its rules: who may do what, and who reads what."""

from collections.abc import Coroutine, Sequence
from typing import NamedTuple

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.integration.services.conftest import PodServices, Stage, actor
from tests.integration.services.group_model import Group, Refusal, Said
from tests.integration.services.screens import blank, caught_up, fresh
from whatchat.client.views import Message as ClientMessage
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import ClientId, UserId, random_id
from whatchat.domain.models import Message, Participant
from whatchat.features.messages.contract import ReadHistory, SendMessage
from whatchat.features.rooms.contract import (
    AddMembers,
    GetRoom,
    GrantAdmin,
    JoinRoom,
    LeaveRoom,
    ListMembers,
    ListRooms,
    RemoveMember,
    RevokeAdmin,
    SettingsPatch,
    UpdateRoom,
)

pytestmark = [pytest.mark.timeout(3_600), pytest.mark.no_cover]

Done = tuple[Refusal, Coroutine[None, None, object]]
"""What the model says comes of something, and the doing of it."""


class Act(NamedTuple):
    """What one of four does at one of the pods, to whom, and how the group is to be."""

    what: str
    who: int
    pod: int
    whom: int
    is_private: bool
    most: int


_ACTS = ("send", "send", "add", "add", "remove", "join", "leave", "grant", "revoke", "update")
acts = st.builds(
    Act,
    what=st.sampled_from(_ACTS),
    who=st.sampled_from((0, 0, 0, 1, 1, 2, 3)),
    pod=st.integers(0, 1),
    whom=st.integers(0, 3),
    is_private=st.booleans(),
    most=st.sampled_from((2, 3, 4, 4)),
)


class GroupsMachine(RuleBasedStateMachine):
    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage
        self.pods = stage.pods
        self.last = 0

    @initialize(is_private=st.booleans())
    def begin(self, is_private: bool) -> None:
        self.stage.run(self._begin(is_private=is_private))

    async def _begin(self, *, is_private: bool) -> None:
        names = ("ada", "bob", "eve", "dan")
        self.people = [await self.stage.house.stranger(name) for name in names]
        ada, bob = self.people[:2]
        patch = SettingsPatch(is_private=is_private, max_participants=4)
        self.room_id = (await self.pods[0].group(ada, bob, settings=patch)).id
        self.model = Group({ada: 1, bob: 1}, {ada}, is_private=is_private)
        self.states = {one: blank(one) for one in self.people}

    @rule(several=st.lists(acts, min_size=1, max_size=3))
    def act(self, several: list[Act]) -> None:
        for one in several:
            self.last = one.pod
            me, whom = self.people[one.who], self.people[one.whom]
            refusal, work = getattr(self, f"_{one.what}")(one, self.pods[one.pod], me, whom)
            assert self.stage.run(_code(work)) == refusal

    def _send(self, _: Act, pod: PodServices, me: str, __: str) -> Done:
        command = SendMessage(room_id=self.room_id, client_id=ClientId(random_id()), content="hi")
        return self.model.send(me), pod.messages.send(actor(me), command)

    def _add(self, act: Act, pod: PodServices, me: str, whom: str) -> Done:
        """One, or two at once."""
        users = [whom] if act.is_private else list({whom, self.people[-1]})
        command = AddMembers(room_id=self.room_id, user_ids=tuple(map(UserId, users)))
        return self.model.add(me, users), pod.rooms.add(actor(me), command)

    def _remove(self, _: Act, pod: PodServices, me: str, whom: str) -> Done:
        command = RemoveMember(room_id=self.room_id, user_id=UserId(whom))
        return self.model.remove(me, whom), pod.rooms.remove(actor(me), command)

    def _join(self, _: Act, pod: PodServices, me: str, __: str) -> Done:
        command = JoinRoom(room_id=self.room_id)
        return self.model.join(me), pod.rooms.join(actor(me), command)

    def _leave(self, _: Act, pod: PodServices, me: str, __: str) -> Done:
        command = LeaveRoom(room_id=self.room_id)
        return self.model.leave(me), pod.rooms.leave(actor(me), command)

    def _grant(self, _: Act, pod: PodServices, me: str, whom: str) -> Done:
        command = GrantAdmin(room_id=self.room_id, user_id=UserId(whom))
        refusal = self.model.give_role(me, whom, is_admin=True)
        return refusal, pod.rooms.grant_admin(actor(me), command)

    def _revoke(self, _: Act, pod: PodServices, me: str, whom: str) -> Done:
        command = RevokeAdmin(room_id=self.room_id, user_id=UserId(whom))
        refusal = self.model.give_role(me, whom, is_admin=False)
        return refusal, pod.rooms.revoke_admin(actor(me), command)

    def _update(self, act: Act, pod: PodServices, me: str, whom: str) -> Done:
        patch = SettingsPatch(is_private=act.is_private, max_participants=act.most)
        command = UpdateRoom(room_id=self.room_id, name=whom, settings=patch)
        refusal = self.model.update(me, whom, is_private=act.is_private, most=act.most)
        return refusal, pod.rooms.update(actor(me), command)

    @invariant()
    def everybody_sees_what_is_theirs(self) -> None:
        """On the pod where nothing was just done."""
        if hasattr(self, "model"):
            for viewer in self.people:
                is_in = viewer in self.model.joined
                look = self._look_inside if is_in else self._look_from_outside
                self.stage.run(look(self.pods[1 - self.last], viewer))

    async def _look_inside(self, pod: PodServices, viewer: str) -> None:
        who, model = actor(viewer), self.model
        expected = model.readable(viewer)
        room = await pod.rooms.get(who, GetRoom(room_id=self.room_id))
        assert (await pod.rooms.list(who, ListRooms())).rooms == [room]
        page = await pod.rooms.members(who, ListMembers(room_id=self.room_id))
        assert _people(room.participants) == model.people()
        assert sorted(_people(page.members)) == sorted(model.people())
        assert (room.rev, room.unread) == (model.head, model.unread(viewer))
        assert (room.name, room.participant_count) == (model.name, len(model.joined))
        settings = room.settings
        assert (settings.is_private, settings.max_participants) == (model.is_private, model.most)
        history = await pod.messages.history(who, ReadHistory(room_id=self.room_id))
        assert _said(history.messages) == expected
        view = (await fresh(pod, viewer)).rooms[self.room_id]
        assert _said(list(view.messages.values())) == expected
        self.states[viewer] = await caught_up(pod, self.states[viewer], limit=200)
        known = self.states[viewer].rooms[self.room_id]
        assert (known.cursor, known.room.participants) == (model.head, view.room.participants)
        assert set(_said(list(known.messages.values()))) <= set(model.history)

    async def _look_from_outside(self, pod: PodServices, viewer: str) -> None:
        who, refusal = actor(viewer), self.model.outside(viewer)
        assert await _code(pod.messages.history(who, ReadHistory(room_id=self.room_id))) == refusal
        assert await _code(pod.rooms.members(who, ListMembers(room_id=self.room_id))) == refusal
        assert (await pod.rooms.list(who, ListRooms())).rooms == []
        self.states[viewer] = await caught_up(pod, self.states[viewer], limit=200)
        assert not self.states[viewer].rooms
        if self.model.is_private:
            assert await _code(pod.rooms.get(who, GetRoom(room_id=self.room_id))) == "not_found"
        else:
            room = await pod.rooms.get(who, GetRoom(room_id=self.room_id))
            assert (room.name, room.participants) == (self.model.name, [])
        search = ListRooms(scope="public", query=self.model.name, limit=200)
        found = {room.id for room in (await pod.rooms.list(who, search)).rooms}
        if self.model.name:
            assert (self.room_id in found) != self.model.is_private


async def _code(work: Coroutine[None, None, object]) -> str:
    """Why it was refused; empty: it was not."""
    try:
        await work
    except ChatError as error:
        return error.code
    return ""


def _people(people: Sequence[Participant]) -> list[tuple[str, str]]:
    return [(one.user.id, one.role) for one in people]


def _said(messages: Sequence[Message] | Sequence[ClientMessage]) -> list[Said]:
    return [
        Said(one.seq, one.sender.id, "system" if one.message_type == "system" else "text")
        for one in messages
    ]


def test_a_group_keeps_its_rules_and_its_secrets(stage: Stage) -> None:
    stage.play(GroupsMachine, steps=10)
