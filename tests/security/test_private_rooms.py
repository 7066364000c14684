"""What was said where somebody was not, not yet, or no longer."""

from tests.security.person import code_of
from tests.security.stage import Stage

EARLY = "a word from before"
LATE = "a word from after"


async def test_history_from_before_joining(stage: Stage) -> None:
    """Who joins reads from then on, by whatever page or id."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.group()
    early = await ada.send(room, EARLY)
    await ada.done("POST", f"/rooms/{room}/members", {"userIds": [eve.id]})
    for page in ("", "?after=0", f"?before={early['seq'] + 1}", "?after=0&limit=200"):
        assert EARLY not in (await eve.get(f"/messages/{room}{page}")).text
    answer = await eve.ask("PUT", f"/messages/{early['id']}/reactions/%F0%9F%91%8D")
    assert (answer.status_code, code_of(answer)) == (404, "not_found")


async def test_sync_from_before_joining(stage: Stage) -> None:
    """No cursor, however old, brings what was said before one came."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.group()
    early = await ada.send(room, EARLY)
    await ada.done("POST", f"/rooms/{room}/members", {"userIds": [eve.id]})
    await ada.done("PATCH", f"/messages/{early['id']}", {"content": EARLY + ", edited"})
    for cursors in ({}, {room: 0}, {room: 1}, {room: 2}):
        answer = await eve.ask("POST", "/sync", {"cursors": cursors})
        assert answer.status_code == 200
        assert EARLY not in answer.text


async def test_live_changes_to_what_was_said_before_joining(stage: Stage) -> None:
    """An edit of an old message tells a newcomer that something changed, and not what."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.group()
    early = await ada.send(room, EARLY)
    await ada.done("POST", f"/rooms/{room}/members", {"userIds": [eve.id]})
    wire = await eve.socket()
    await ada.done("PATCH", f"/messages/{early['id']}", {"content": EARLY + ", edited"})
    assert (await wire.hear("room:rev"))["roomId"] == room
    assert EARLY not in wire.said()


async def test_search_across_rooms(stage: Stage) -> None:
    """A search finds in the searcher's own rooms, from the searcher's own days."""
    ada, eve = await stage.people("ada", "eve")
    other = await ada.group(name="Secret")
    await ada.send(other, "zebra in a room of others")
    room = await ada.group()
    await ada.send(room, "zebra from before")
    await ada.done("POST", f"/rooms/{room}/members", {"userIds": [eve.id]})
    assert (await eve.done("GET", "/search?query=zebra"))["messages"] == []
    assert (await eve.done("GET", f"/search?query=zebra&roomId={room}"))["messages"] == []
    answer = await eve.get(f"/search?query=zebra&roomId={other}")
    assert (answer.status_code, code_of(answer)) == (404, "not_found")
    assert len((await ada.done("GET", "/search?query=zebra"))["messages"]) == 2


async def test_search_after_leaving(stage: Stage) -> None:
    """Who has left finds nothing there any more, not even what they had read."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.group(eve)
    await ada.send(room, "a zebra")
    assert len((await eve.done("GET", "/search?query=zebra"))["messages"]) == 1
    await eve.done("DELETE", f"/rooms/{room}/members/{eve.id}")
    assert (await eve.done("GET", "/search?query=zebra"))["messages"] == []


async def test_listening_on_after_being_put_out(stage: Stage) -> None:
    """An open socket hears nothing more of a room from the moment its person is out."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.group(eve)
    wire = await eve.socket()
    await ada.done("DELETE", f"/rooms/{room}/members/{eve.id}")
    assert (await wire.hear("room:removed"))["roomId"] == room
    await ada.send(room, LATE)
    await (await ada.socket()).ask("typing:start", {"roomId": room})
    await wire.settled()
    assert LATE not in wire.said()
    assert wire.names()[-1] == "room:removed"


async def test_reading_between_leaving_and_joining_again(stage: Stage) -> None:
    """What was said while one was away is not made up for."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.group(eve)
    await eve.done("DELETE", f"/rooms/{room}/members/{eve.id}")
    await ada.send(room, EARLY)
    await ada.done("POST", f"/rooms/{room}/members", {"userIds": [eve.id]})
    await ada.send(room, LATE)
    assert await eve.history(room) == [LATE]
    assert EARLY not in (await eve.ask("POST", "/sync", {"cursors": {room: 1}})).text


async def test_private_rooms_in_the_list_of_public_ones(stage: Stage) -> None:
    """Nobody finds a private room by its name."""
    ada, eve = await stage.people("ada", "eve")
    await ada.group(name="Secret engines")
    public = await ada.group(name="Public engines", public=True)
    found = (await eve.done("GET", "/rooms?scope=public&query=engines"))["rooms"]
    assert [room["id"] for room in found] == [public]


async def test_joining_a_private_room(stage: Stage) -> None:
    """Nobody comes into a private room by asking, even after having been in."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.group(eve, name="Secret")
    await eve.done("DELETE", f"/rooms/{room}/members/{eve.id}")
    wire = await eve.socket()
    answer = await eve.ask("POST", f"/rooms/{room}/join")
    assert (answer.status_code, code_of(answer)) == (404, "not_found")
    assert (await wire.ask("room:join", {"roomId": room}))["error"]["code"] == "not_found"
    assert (await eve.done("GET", "/rooms"))["rooms"] == []


async def test_people_of_a_room_that_one_is_not_in(stage: Stage) -> None:
    """Who is in a public room is for its members: outsiders see how many."""
    ada, bob, eve = await stage.people("ada", "bob", "eve")
    room = await ada.group(bob, public=True)
    seen = (await eve.get(f"/rooms/{room}")).text
    assert ada.id not in seen
    assert bob.id not in seen
    assert (await eve.get(f"/rooms/{room}/members")).status_code == 403
