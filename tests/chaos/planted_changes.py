"""Failures of edits, deletions and reactions, and of what had them announced."""

from tests.chaos import problems
from tests.chaos.evidence import Alteration, Entry
from tests.chaos.journal import Changed, Marked, Refusal, Turned
from tests.chaos.made_up_trial import ANN, BOB, CAKE, CAT, SAID, TEA, MadeUpTrial
from tests.chaos.planting import plants
from tests.chaos.problems import Problem
from tests.chaos.wrong_ways import HEALED_SECONDS
from whatchat.domain.ids import ClientId, Rev, UserId


@plants
def a_view_that_shows_an_old_body(trial: MadeUpTrial) -> type[Problem]:
    first = first_said(trial)
    old = trial.views[BOB, TEA][0]
    trial.change(ANN, first, "edit", "otherwise")
    trial.views[BOB, TEA][0] = old
    return problems.Stale


@plants
def a_view_that_shows_what_was_deleted(trial: MadeUpTrial) -> type[Problem]:
    first = first_said(trial)
    old = trial.views[BOB, TEA][0]
    trial.change(ANN, first, "delete")
    trial.views[BOB, TEA][0] = old
    return problems.Exposed


@plants
def a_view_that_lacks_a_reaction(trial: MadeUpTrial) -> type[Problem]:
    trial.change(BOB, first_said(trial), "react", "👍")
    shown = trial.views[CAT, TEA][0]
    trial.views[CAT, TEA][0] = shown._replace(reactions=frozenset())
    return problems.Stale


@plants
def a_view_with_a_reaction_that_was_taken_back(trial: MadeUpTrial) -> type[Problem]:
    trial.change(BOB, first_said(trial), "react", "👍")
    shown = trial.views[CAT, TEA][0]
    trial.change(BOB, first_said(trial), "unreact", "👍")
    trial.views[CAT, TEA][0] = shown
    return problems.Stale


@plants
def a_message_that_one_believes_deleted(trial: MadeUpTrial) -> type[Problem]:
    lines = trial.views[BOB, TEA]
    lines[0] = lines[0]._replace(text="", is_deleted=True)
    return problems.Phantom


@plants
def a_last_message_that_is_old_in_the_list_of_rooms(trial: MadeUpTrial) -> type[Problem]:
    last = trial.views[BOB, TEA][-1]
    trial.change(last.sender, last.client_id, "edit", "otherwise")
    trial.last[BOB, TEA] = last
    return problems.Stale


@plants
def a_store_that_shows_an_old_body(trial: MadeUpTrial) -> type[Problem]:
    old = trial.views[BOB, TEA][0]
    trial.change(ANN, old.client_id, "edit", "otherwise")
    trial.stored[TEA, old.rev] = old
    return problems.Stale


@plants
def a_store_that_keeps_what_was_deleted(trial: MadeUpTrial) -> type[Problem]:
    old = trial.views[BOB, TEA][0]
    trial.change(ANN, old.client_id, "delete")
    trial.stored[TEA, old.rev] = trial.lines(TEA)[old.rev]._replace(text=old.text)
    return problems.Exposed


@plants
def a_store_that_does_not_show_what_is_in_its_log(trial: MadeUpTrial) -> type[Problem]:
    trial.stored[TEA, Rev(2)] = None
    return problems.Lost


@plants
def a_projected_edit_that_keeps_its_words(trial: MadeUpTrial) -> type[Problem]:
    trial.change(ANN, first_said(trial), "edit", "otherwise")
    trial.bodies.append(trial.logs[TEA][-1].rev)
    return problems.Exposed


@plants
def an_accepted_edit_that_is_not_kept(trial: MadeUpTrial) -> type[Problem]:
    change_id = trial.wish(ANN, first_said(trial), "edit", "otherwise")
    trial.records.append(Changed(trial.now, ANN, change_id))
    return problems.Lost


@plants
def an_accepted_deletion_that_is_not_kept(trial: MadeUpTrial) -> type[Problem]:
    change_id = trial.wish(ANN, first_said(trial), "delete")
    trial.records.append(Changed(trial.now, ANN, change_id))
    return problems.Lost


@plants
def an_accepted_reaction_that_is_not_kept(trial: MadeUpTrial) -> type[Problem]:
    change_id = trial.wish(BOB, first_said(trial), "react", "👍")
    trial.records.append(Changed(trial.now, BOB, change_id))
    return problems.Lost


@plants
def a_reaction_that_was_accepted_as_taken_back_and_stays(trial: MadeUpTrial) -> type[Problem]:
    trial.change(BOB, first_said(trial), "react", "👍")
    change_id = trial.wish(BOB, first_said(trial), "unreact", "👍")
    trial.records.append(Changed(trial.now, BOB, change_id))
    return problems.Lost


@plants
def an_edit_that_is_kept_twice(trial: MadeUpTrial) -> type[Problem]:
    change_id = trial.change(ANN, first_said(trial), "edit", "otherwise")
    trial.turn(first_said(trial), trial.keep_change(change_id))
    return problems.Duplicated


@plants
def a_deletion_that_is_kept_twice(trial: MadeUpTrial) -> type[Problem]:
    change_id = trial.change(ANN, first_said(trial), "delete")
    trial.turn(first_said(trial), trial.keep_change(change_id))
    return problems.Duplicated


@plants
def a_reaction_that_is_kept_twice(trial: MadeUpTrial) -> type[Problem]:
    change_id = trial.change(BOB, first_said(trial), "react", "👍")
    trial.turn(first_said(trial), trial.keep_change(change_id))
    return problems.Duplicated


@plants
def an_edit_of_what_was_deleted(trial: MadeUpTrial) -> type[Problem]:
    trial.change(ANN, first_said(trial), "delete")
    trial.change(ANN, first_said(trial), "edit", "otherwise")
    return problems.Reordered


@plants
def a_later_edit_that_an_earlier_one_undid(trial: MadeUpTrial) -> type[Problem]:
    first = first_said(trial)
    one = trial.wish(ANN, first, "edit", "one")
    trial.records.append(Changed(trial.now, ANN, one))
    two = trial.wish(ANN, first, "edit", "two")
    trial.records.append(Changed(trial.now, ANN, two))
    for change_id in (two, one):
        trial.turn(first, trial.keep_change(change_id))
    return problems.Reordered


@plants
def an_edit_that_nobody_made(trial: MadeUpTrial) -> type[Problem]:
    altered = Alteration("edit", Rev(2))
    rev = Rev(SAID + 2)
    trial.logs[TEA].append(Entry(rev, ANN, ClientId("ghost"), is_message=False, alteration=altered))
    trial.turn(first_said(trial), rev)
    return problems.Phantom


@plants
def a_deletion_by_somebody_else(trial: MadeUpTrial) -> type[Problem]:
    change_id = trial.wish(ANN, first_said(trial), "delete")
    trial.records.append(Changed(trial.now, ANN, change_id))
    trial.turn(first_said(trial), trial.keep_change(change_id))
    trial.logs[TEA][-1] = trial.logs[TEA][-1]._replace(actor=BOB)
    return problems.Phantom


@plants
def a_change_announced_twice(trial: MadeUpTrial) -> type[Problem]:
    trial.change(ANN, first_said(trial), "edit", "otherwise")
    trial.records.append(_turned(trial, CAT))
    return problems.Duplicated


@plants
def a_change_announced_in_other_words(trial: MadeUpTrial) -> type[Problem]:
    trial.change(ANN, first_said(trial), "edit", "otherwise")
    turned = _turned(trial, CAT)
    trial.records[trial.records.index(turned)] = turned._replace(text="what nobody said")
    return problems.Phantom


@plants
def words_that_are_told_after_their_deletion(trial: MadeUpTrial) -> type[Problem]:
    first = first_said(trial)
    old = trial.views[CAT, TEA][0]
    trial.change(ANN, first, "delete")
    again = old._replace(changed=Rev(SAID + 3))
    trial.tell(CAT, again, Rev(SAID + 3))
    return problems.Exposed


@plants
def a_deletion_that_is_told_with_the_words(trial: MadeUpTrial) -> type[Problem]:
    old = trial.views[CAT, TEA][0]
    trial.change(ANN, first_said(trial), "delete")
    turned = _turned(trial, CAT)
    trial.records[trial.records.index(turned)] = turned._replace(text=old.text)
    return problems.Exposed


@plants
def a_change_in_a_room_of_others(trial: MadeUpTrial) -> type[Problem]:
    cake = trial.logs[CAKE][1].client_id
    trial.change(ANN, cake, "react", "👍")
    trial.tell(CAT, trial.lines(CAKE)[Rev(2)], trial.logs[CAKE][-1].rev, CAKE)
    return problems.Foreign


@plants
def a_change_that_came_long_after_the_healing(trial: MadeUpTrial) -> type[Problem]:
    trial.records.append(Marked(trial.now, "healed"))
    trial.change(ANN, first_said(trial), "edit", "otherwise")
    turned = _turned(trial, BOB)
    late = turned._replace(at=trial.now + HEALED_SECONDS)
    trial.records[trial.records.index(turned)] = late
    return problems.Late


@plants
def a_change_that_came_to_no_end(trial: MadeUpTrial) -> type[Problem]:
    trial.wish(ANN, first_said(trial), "edit", "otherwise")
    return problems.Pending


@plants
def a_change_that_is_refused(trial: MadeUpTrial) -> type[Problem]:
    change_id = trial.wish(ANN, first_said(trial), "edit", "otherwise")
    trial.records.append(Refusal(trial.now, ANN, change_id, "not_found"))
    return problems.Refused


def first_said(trial: MadeUpTrial) -> ClientId:
    """What was said first over tea: Ann did."""
    return trial.logs[TEA][1].client_id


def _turned(trial: MadeUpTrial, person: UserId) -> Turned:
    [turned] = [one for one in trial.records if isinstance(one, Turned) and one.person == person]
    return turned
