"""The official JavaScript client holds a whole conversation with the node."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.node_process import NodeProcess

SCRIPT = Path(__file__).parents[1] / "js" / "conversation.mjs"
WEBSOCKET_FIRST = "websocket,polling"
POLLING_FIRST = "polling,websocket"

Report = dict[str, Any]


@pytest.fixture(scope="module", params=[WEBSOCKET_FIRST, POLLING_FIRST, "polling"])
def report(request: pytest.FixtureRequest, node: NodeProcess) -> Report:
    """What the client saw, for each order of transports."""
    command = ["node", str(SCRIPT), node.url, request.param]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert finished.returncode == 0, finished.stderr
    return {"tried": request.param, **json.loads(finished.stdout)}


def test_the_transport_asked_for_is_used_and_upgraded(report: Report) -> None:
    expected = {
        WEBSOCKET_FIRST: {"first": "websocket", "settled": "websocket"},
        POLLING_FIRST: {"first": "polling", "settled": "websocket"},
        "polling": {"first": "polling", "settled": "polling"},
    }
    assert report["transports"] == expected[report["tried"]]


def test_a_session_begins_with_what_the_contract_says(report: Report) -> None:
    ready = report["ready"]
    assert ready["userId"] == report["bob"]["id"]
    assert (ready["protocol"], ready["rooms"], ready["roomsMore"]) == (1, [], False)
    assert ready["epoch"]
    assert ready["serverTime"].endswith("Z")
    assert {"deviceId", "sessionId", "features"} <= ready.keys()


@pytest.mark.parametrize("case", ["refused", "anonymous"])
def test_a_bad_token_is_refused_with_connect_error(report: Report, case: str) -> None:
    refusal = report[case]
    assert refusal["data"]["code"] == "unauthenticated"
    assert refusal["message"] == refusal["data"]["message"] == "authentication required"


def test_both_learn_of_the_room(report: Report) -> None:
    room = report["created"]["data"]["room"]
    assert room["kind"] == "direct"
    people = {participant["user"]["id"] for participant in room["participants"]}
    assert people == {report["alice"]["id"], report["bob"]["id"]}
    assert (report["invited"]["roomId"], report["invited"]["rev"]) == (room["id"], 1)
    assert report["invited"]["room"]["id"] == room["id"]


def test_a_message_reaches_the_other_and_the_senders_other_device(report: Report) -> None:
    assert report["accepted"]["ok"] is True
    message = report["accepted"]["data"]["message"]
    assert message["content"] == "Hello from JavaScript 👋"
    assert message["sender"] == report["alice"]
    assert message["seq"] == message["rev"] == 2
    event = {"roomId": message["roomId"], "rev": 2, "message": message}
    assert report["byPeer"] == report["byLaptop"] == event


def test_a_retry_is_the_same_message_and_another_body_a_conflict(report: Report) -> None:
    assert report["repeated"] == report["accepted"]
    assert report["conflicting"]["ok"] is False
    assert report["conflicting"]["error"]["code"] == "conflict"


def test_a_bad_command_is_answered_with_its_field(report: Report) -> None:
    assert report["invalid"]["ok"] is False
    error = report["invalid"]["error"]
    assert (error["code"], error["field"], error["retryable"]) == ("invalid", "content", False)


def test_a_lost_connection_is_resumed_by_the_cursor(report: Report) -> None:
    resumed = report["resumed"]
    room_id = report["created"]["data"]["room"]["id"]
    assert resumed["reason"] == "forced close"
    assert resumed["ready"]["epoch"] == report["ready"]["epoch"]
    assert resumed["ready"]["rooms"] == [{"roomId": room_id, "rev": 6}]

    synced = resumed["synced"]["data"]
    assert (synced["epoch"], synced["removed"], synced["more"]) == (
        report["ready"]["epoch"],
        [],
        False,
    )
    [room] = synced["rooms"]
    assert (room["roomId"], room["state"], room["rev"], room["more"]) == (
        room_id,
        "recovered",
        6,
        False,
    )
    assert [message["id"] for message in room["messages"]] == resumed["missed"]
    assert [message["content"] for message in room["messages"]] == ["One", "Two", "Three"]
    assert resumed["live"]["message"] == resumed["after"]["data"]["message"]


def test_the_client_comes_back_by_itself(report: Report) -> None:
    assert report["restored"]["userId"] == report["bob"]["id"]
    assert report["restored"]["rooms"][0]["rev"] == 7
    sessions = {report[key]["sessionId"] for key in ("ready", "restored")}
    assert len(sessions) == 2


def test_each_hears_what_others_say_in_order_and_nothing_of_its_own(report: Report) -> None:
    def news(*revs: int) -> list[dict[str, Any]]:
        return [{"event": "message:new", "rev": rev} for rev in revs]

    # A retry is published again (rev 2), an own message never comes back to its socket.
    assert [heard for heard in report["heardByPeer"] if heard["rev"] != 2] == news(7)
    assert report["heardByPeer"][0] == news(2)[0]
    assert report["heardByPhone"] == news(3)
