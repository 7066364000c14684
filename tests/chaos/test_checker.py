"""The checker names each kind of failure that is planted, and nothing else."""

import pytest

from tests.chaos import problems
from tests.chaos.checker import check
from tests.chaos.evidence import Entry, Line
from tests.chaos.journal import (
    Accepted,
    Heard,
    How,
    Marked,
    Probed,
    Record,
    Refusal,
    Sent,
    Shown,
    Synced,
    Turned,
    Unknown,
    Vanished,
)
from tests.chaos.made_up_trial import ANN, BOB, CAKE, CAT, MEMBERS, SAID, TEA, MadeUpTrial
from tests.chaos.planted_changes import first_said
from tests.chaos.planting import PLANTED, Plant, plants
from tests.chaos.problems import Problem
from tests.chaos.wrong_ways import HEALED_SECONDS, LAST_WORD_SECONDS
from whatchat.domain.ids import ClientId, Rev, RoomId, UserId


@plants
def a_message_that_one_does_not_see(trial: MadeUpTrial) -> type[Problem]:
    del trial.views[BOB, TEA][2]
    return problems.Lost


@plants
def a_last_message_that_one_does_not_see(trial: MadeUpTrial) -> type[Problem]:
    trial.cursors[BOB, TEA] = trial.views[BOB, TEA].pop().rev
    return problems.Lost


@plants
def an_accepted_message_that_nobody_sees_and_the_store_forgot(trial: MadeUpTrial) -> type[Problem]:
    client_id = trial.send(ANN, TEA)
    trial.records.append(Accepted(trial.now, ANN, TEA, client_id, Rev(SAID + 2)))
    return problems.Lost


@plants
def an_accepted_message_that_the_store_forgot_and_all_see(trial: MadeUpTrial) -> type[Problem]:
    trial.say(ANN, TEA)
    trial.logs[TEA].pop()
    trial.cursors = {(person, TEA): trial.logs[TEA][-1].rev for person in MEMBERS[TEA]}
    return problems.Lost


@plants
def a_room_that_one_does_not_see(trial: MadeUpTrial) -> type[Problem]:
    del trial.views[BOB, TEA]
    return problems.Lost


@plants
def somebody_who_sees_nothing(trial: MadeUpTrial) -> type[Problem]:
    del trial.views[CAT, TEA]
    return problems.Lost


@plants
def an_unknown_outcome_that_some_see(trial: MadeUpTrial) -> type[Problem]:
    client_id = trial.send(ANN, TEA)
    trial.records.append(Unknown(trial.now, ANN, client_id))
    trial.show(client_id, trial.keep(client_id))
    trial.views[CAT, TEA].pop()
    return problems.Lost


@plants
def a_last_word_that_was_never_written(trial: MadeUpTrial) -> type[Problem]:
    client_id = trial.send(CAT, TEA)
    trial.records.append(Vanished(trial.now, CAT, client_id))
    return problems.Lost


@plants
def a_message_shown_twice(trial: MadeUpTrial) -> type[Problem]:
    trial.views[BOB, TEA].append(trial.views[BOB, TEA][-1])
    return problems.Duplicated


@plants
def a_retry_that_became_another_message(trial: MadeUpTrial) -> type[Problem]:
    twice = trial.logs[TEA][-1].client_id
    trial.show(twice, trial.keep(twice))
    return problems.Duplicated


@plants
def a_retry_that_is_kept_again_and_not_shown(trial: MadeUpTrial) -> type[Problem]:
    trial.keep(trial.logs[TEA][-1].client_id)
    return problems.Duplicated


@plants
def a_message_announced_twice(trial: MadeUpTrial) -> type[Problem]:
    shown = [one for one in trial.records if isinstance(one, Shown) and one.person == BOB]
    trial.records.append(shown[-1])
    return problems.Duplicated


@plants
def messages_in_another_order(trial: MadeUpTrial) -> type[Problem]:
    lines = trial.views[BOB, TEA]
    lines[1], lines[2] = lines[2], lines[1]
    return problems.Reordered


@plants
def messages_announced_in_another_order(trial: MadeUpTrial) -> type[Problem]:
    one, two = (at for at, shown in enumerate(trial.records) if _is_shown(shown, BOB, TEA, 2, 3))
    trial.records[one], trial.records[two] = trial.records[two], trial.records[one]
    return problems.Reordered


@plants
def a_sender_whose_second_message_came_before_the_first(trial: MadeUpTrial) -> type[Problem]:
    first, second = trial.send(ANN, TEA), ClientId("the second")
    rev = trial.logs[TEA][-1].rev
    trial.records += [
        Accepted(trial.now, ANN, TEA, first, Rev(rev + 2)),
        Sent(trial.now + 1, ANN, TEA, second, "second"),
        Accepted(trial.now + 2, ANN, TEA, second, Rev(rev + 1)),
    ]
    trial.show(second, trial.keep(second))
    trial.show(first, trial.keep(first))
    return problems.Reordered


@plants
def a_message_that_nobody_sent(trial: MadeUpTrial) -> type[Problem]:
    line = Line(Rev(SAID + 2), ClientId("ghost"), BOB, "boo")
    trial.views[ANN, TEA].append(line)
    return problems.Phantom


@plants
def a_message_in_other_words(trial: MadeUpTrial) -> type[Problem]:
    lines = trial.views[ANN, TEA]
    lines[0] = lines[0]._replace(text="what nobody said")
    return problems.Phantom


@plants
def a_message_under_another_name(trial: MadeUpTrial) -> type[Problem]:
    lines = trial.views[ANN, TEA]
    lines[0] = lines[0]._replace(sender=BOB)
    return problems.Phantom


@plants
def a_log_entry_that_nobody_sent(trial: MadeUpTrial) -> type[Problem]:
    rev = Rev(SAID + 2)
    trial.logs[TEA].append(Entry(rev, BOB, ClientId("ghost"), is_message=True))
    for person in MEMBERS[TEA]:
        trial.views[person, TEA].append(Line(rev, ClientId("ghost"), BOB, "boo"))
    return problems.Phantom


@plants
def a_log_entry_under_another_name(trial: MadeUpTrial) -> type[Problem]:
    first = trial.logs[TEA][1]
    trial.logs[TEA][1] = first._replace(actor=CAT)
    return problems.Phantom


@plants
def a_message_of_another_room(trial: MadeUpTrial) -> type[Problem]:
    trial.views[ANN, TEA].append(trial.views[ANN, CAKE][-1])
    return problems.Foreign


@plants
def a_room_of_other_people(trial: MadeUpTrial) -> type[Problem]:
    trial.views[CAT, CAKE] = list(trial.views[ANN, CAKE])
    return problems.Foreign


@plants
def an_event_of_other_peoples_room(trial: MadeUpTrial) -> type[Problem]:
    trial.records.append(Heard(trial.now, CAT, CAKE, Rev(3), "room:rev"))
    return problems.Foreign


@plants
def an_event_of_an_unknown_room(trial: MadeUpTrial) -> type[Problem]:
    trial.records.append(Heard(trial.now, CAT, RoomId("elsewhere"), Rev(3), "message:new"))
    return problems.Foreign


@plants
def a_message_written_into_another_room(trial: MadeUpTrial) -> type[Problem]:
    client_id = trial.send(ANN, CAKE)
    rev = trial.logs[TEA][-1].rev
    trial.logs[TEA].append(Entry(Rev(rev + 1), ANN, client_id, is_message=True))
    trial.records.append(Accepted(trial.now, ANN, CAKE, client_id, Rev(rev + 1)))
    for person in MEMBERS[TEA]:
        sent = trial.sent(client_id)
        trial.views[person, TEA].append(Line(Rev(rev + 1), client_id, ANN, sent.text))
    return problems.Foreign


@plants
def a_rev_that_the_log_lacks(trial: MadeUpTrial) -> type[Problem]:
    missing = trial.logs[TEA][-1].client_id
    del trial.logs[TEA][-1]
    rev = Rev(SAID + 3)
    trial.logs[TEA].append(Entry(rev, ANN, ClientId("later"), is_message=False))
    _forget(trial, missing)
    return problems.Gap


@plants
def changes_that_one_waits_for(trial: MadeUpTrial) -> type[Problem]:
    trial.waiting.add((BOB, TEA))
    return problems.Gap


@plants
def an_acceptance_at_another_rev(trial: MadeUpTrial) -> type[Problem]:
    for at, record in enumerate(trial.records):
        if isinstance(record, Accepted) and record.rev == 3:
            trial.records[at] = record._replace(rev=Rev(4))
    return problems.Divergent


@plants
def a_message_seen_at_another_rev(trial: MadeUpTrial) -> type[Problem]:
    lines = trial.views[BOB, TEA]
    lines[-1] = lines[-1]._replace(rev=Rev(lines[-1].rev + 1))
    return problems.Divergent


@plants
def two_messages_that_changed_places_for_one(trial: MadeUpTrial) -> type[Problem]:
    lines = trial.views[BOB, TEA]
    one, two = lines[1], lines[2]
    lines[1], lines[2] = two._replace(rev=one.rev), one._replace(rev=two.rev)
    return problems.Divergent


@plants
def an_unknown_outcome_that_is_seen_and_not_kept(trial: MadeUpTrial) -> type[Problem]:
    client_id = trial.send(ANN, TEA)
    trial.records.append(Unknown(trial.now, ANN, client_id))
    trial.show(client_id, Rev(SAID + 2))
    return problems.Pending


@plants
def an_unknown_outcome_that_one_holds_unannounced_and_nobody_keeps(
    trial: MadeUpTrial,
) -> type[Problem]:
    client_id = trial.send(ANN, TEA)
    sent = trial.sent(client_id)
    trial.records.append(Unknown(trial.now, ANN, client_id))
    trial.views[BOB, TEA].append(Line(Rev(SAID + 2), client_id, ANN, sent.text))
    return problems.Pending


@plants
def a_message_that_came_to_no_end(trial: MadeUpTrial) -> type[Problem]:
    trial.send(ANN, TEA)
    return problems.Pending


@plants
def changes_that_are_not_projected(trial: MadeUpTrial) -> type[Problem]:
    trial.pending = 2
    return problems.Pending


@plants
def somebody_who_stands_behind(trial: MadeUpTrial) -> type[Problem]:
    trial.logs[TEA].append(Entry(Rev(SAID + 2), ANN, ClientId("a change"), is_message=False))
    trial.cursors = {(person, TEA): Rev(SAID + 2) for person in (ANN, BOB)}
    trial.cursors[CAT, TEA] = Rev(SAID + 1)
    return problems.Pending


@plants
def somebody_who_never_came_back(trial: MadeUpTrial) -> type[Problem]:
    trial.absent.add(BOB)
    return problems.Pending


@plants
def a_message_that_had_no_answer_though_all_was_whole(trial: MadeUpTrial) -> type[Problem]:
    trial.records.append(Marked(trial.now, "healed"))
    client_id = trial.send(ANN, TEA)
    trial.records.append(Unknown(trial.now, ANN, client_id))
    return problems.Late


@plants
def a_message_that_is_refused(trial: MadeUpTrial) -> type[Problem]:
    client_id = trial.send(ANN, TEA)
    trial.records.append(Refusal(trial.now, ANN, client_id, "conflict"))
    return problems.Refused


@plants
def a_last_word_that_came_late(trial: MadeUpTrial) -> type[Problem]:
    client_id = trial.send(CAT, TEA)
    trial.records.append(Vanished(trial.now, CAT, client_id))
    trial.show(client_id, trial.keep(client_id), after=LAST_WORD_SECONDS + 1)
    return problems.Late


@plants
def a_message_that_came_long_after_the_healing(trial: MadeUpTrial) -> type[Problem]:
    trial.records.append(Marked(trial.now, "healed"))
    client_id = trial.send(ANN, TEA)
    trial.records.append(Unknown(trial.now, ANN, client_id))
    trial.show(client_id, trial.keep(client_id), after=HEALED_SECONDS)
    return problems.Late


@plants
def a_message_that_was_announced_and_taken_back(trial: MadeUpTrial) -> type[Problem]:
    client_id = trial.send(ANN, TEA)
    trial.records.append(Unknown(trial.now, ANN, client_id))
    rev = Rev(SAID + 2)
    trial.records.append(Shown(trial.now, BOB, TEA, rev, client_id, "live", rev))
    return problems.Pending


@plants
def an_announcement_of_what_nobody_sent(trial: MadeUpTrial) -> type[Problem]:
    rev = Rev(SAID + 2)
    trial.records.append(Shown(trial.now, BOB, TEA, rev, ClientId("ghost"), "live", rev))
    return problems.Phantom


@plants
def a_message_announced_at_another_rev(trial: MadeUpTrial) -> type[Problem]:
    shown = [one for one in trial.records if isinstance(one, Shown) and one.person == BOB]
    at = trial.records.index(shown[-1])
    trial.records[at] = shown[-1]._replace(rev=Rev(shown[-1].rev + 1))
    return problems.Divergent


@plants
def a_client_that_syncs_by_itself(trial: MadeUpTrial) -> type[Problem]:
    trial.records.append(Synced(trial.now, ANN, asked=False))
    return problems.Unasked


@plants
def a_pod_that_does_not_answer(trial: MadeUpTrial) -> type[Problem]:
    trial.records.append(Probed(trial.now, "pod 2", lives=False))
    return problems.Silent


def _is_of(shown: Shown, person: UserId, client_id: ClientId) -> bool:
    return (shown.person, shown.client_id) == (person, client_id)


def _is_shown(record: Record, person: UserId, room: RoomId, *revs: int) -> bool:
    return isinstance(record, Shown) and record[1:3] == (person, room) and record.rev in revs


def _forget(trial: MadeUpTrial, client_id: ClientId) -> None:
    """As if nobody had ever said it."""
    trial.records = [one for one in trial.records if getattr(one, "client_id", "") != client_id]
    for key, lines in trial.views.items():
        trial.views[key] = [line for line in lines if line.client_id != client_id]


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_what_is_planted_is_named(plant: Plant) -> None:
    trial = MadeUpTrial()
    kind = plant(trial)
    assert {type(problem) for problem in check(trial.evidence())} == {kind}


def test_every_kind_of_problem_that_a_checker_names_is_planted() -> None:
    planted = {plant(MadeUpTrial()) for plant in PLANTED}
    assert planted == {*Problem.__subclasses__()} - {problems.Crashed, problems.Unfinished}


def test_when_all_is_well_nothing_is_named() -> None:
    assert check(MadeUpTrial().evidence()) == []


def test_an_unknown_outcome_may_be_all_or_nothing() -> None:
    trial = MadeUpTrial()
    for is_kept in (True, False):
        client_id = trial.send(ANN, TEA)
        trial.records.append(Unknown(trial.now, ANN, client_id))
        if is_kept:
            trial.show(client_id, trial.keep(client_id))
    assert check(trial.evidence()) == []


def test_changes_of_all_kinds_are_well() -> None:
    trial = MadeUpTrial()
    first, second = first_said(trial), trial.logs[TEA][2].client_id
    trial.change(ANN, first, "edit", "otherwise")
    trial.change(BOB, first, "react", "👍")
    trial.change(BOB, first, "unreact", "👍")
    trial.change(BOB, first, "react", "👍")
    trial.change(CAT, second, "react", "👍")
    trial.change(BOB, second, "delete")
    assert check(trial.evidence()) == []


def test_an_unknown_change_may_be_all_or_nothing() -> None:
    trial = MadeUpTrial()
    first = first_said(trial)
    asked: list[tuple[How, str]] = [("edit", "1"), ("edit", "2"), ("react", "👍"), ("react", "😂")]
    for number, (how, what) in enumerate(asked):
        change_id = trial.wish(ANN, first, how, what)
        trial.records.append(Unknown(trial.now, ANN, change_id))
        if number % 2:
            trial.turn(first, trial.keep_change(change_id))
    assert check(trial.evidence()) == []


def test_what_is_being_deleted_may_be_gone_for_others() -> None:
    trial = MadeUpTrial()
    first = first_said(trial)
    trial.change(ANN, first, "delete")
    change_id = trial.wish(BOB, first, "react", "👍")
    trial.records.append(Refusal(trial.now, BOB, change_id, "not_found"))
    assert check(trial.evidence()) == []


def test_a_change_that_one_knew_of_already_is_no_news() -> None:
    trial = MadeUpTrial()
    first, old = first_said(trial), trial.views[CAT, TEA][0]
    trial.change(BOB, first, "react", "👍")
    reacted = trial.logs[TEA][-1].rev
    trial.change(ANN, first, "delete")
    trial.records = [
        one
        for one in trial.records
        if not (isinstance(one, Turned) and (one.person, one.rev) == (CAT, reacted))
    ]
    trial.tell(CAT, old._replace(changed=reacted), reacted)
    assert check(trial.evidence()) == []


def test_what_was_missed_and_changed_may_come_in_the_order_of_the_changes() -> None:
    trial = MadeUpTrial()
    first, second = (trial.send(ANN, TEA) for _ in range(2))
    for client_id in (first, second):
        rev = trial.keep(client_id)
        trial.records.append(Accepted(trial.now, ANN, TEA, client_id, rev))
        trial.show(client_id, rev)
    trial.change(ANN, first, "edit", "otherwise")
    changed = trial.logs[TEA][-1].rev
    [shown] = [one for one in trial.records if isinstance(one, Shown) and _is_of(one, BOB, first)]
    trial.records.remove(shown)
    trial.records.append(shown._replace(way="sync", by=changed))
    assert check(trial.evidence()) == []


def test_who_vanished_is_not_judged_and_the_last_word_is() -> None:
    trial = MadeUpTrial()
    client_id = trial.send(CAT, TEA)
    trial.records.append(Vanished(trial.now, CAT, client_id))
    trial.show(client_id, trial.keep(client_id))
    del trial.views[CAT, TEA]
    assert check(trial.evidence()) == []


def test_what_was_said_at_the_same_time_may_come_in_any_order() -> None:
    trial = MadeUpTrial()
    one, two = trial.send(ANN, TEA), trial.send(BOB, TEA)
    revs = {client_id: trial.keep(client_id) for client_id in (two, one)}
    for client_id, rev in revs.items():
        person = trial.sent(client_id).person
        trial.records.append(Accepted(trial.now, person, TEA, client_id, rev))
        trial.show(client_id, rev)
    assert check(trial.evidence()) == []


def test_a_problem_says_where_and_for_whom() -> None:
    trial = MadeUpTrial()
    del trial.views[BOB, TEA][0]
    [problem] = check(trial.evidence())
    assert str(problem) == "Lost in tea for bob: rev 2 is not shown"
