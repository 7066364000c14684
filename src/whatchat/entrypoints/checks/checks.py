"""What is checked: that pods are ready, that clients may poll, that pods hear each other."""

import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from time import monotonic
from typing import Final

from whatchat.entrypoints.checks.accounts import CheckAccount
from whatchat.entrypoints.checks.peer import CheckFailed
from whatchat.entrypoints.checks.pods import PodAddress
from whatchat.entrypoints.checks.polling import PONG, PollingSocket, Unknown

POLLS: Final = 4
"""By each client. Of clients that come to any of two pods one in 16 meets its own every time."""

CONNECT_SECONDS: Final = 4.5
"""A pod drops after 5 s who does not say who it is, as these clients do not."""

HEARD_WITHIN: Final = 3.0
"""What the pods do not tell each other they read from the store, within 30 s and at random."""

MOST_PODS: Final = 20
"""So many are asked to hear each other; of more these are chosen at random."""


def check_health(url: str | None, pods: Sequence[PodAddress]) -> str:
    """Every pod is ready, and the address takes newcomers."""
    for pod in pods:
        pod.require_ready()
    if url is not None:
        PollingSocket(url).close()
    found = f"{len(pods)} pods are ready" if pods else ""
    answers = f"{url} answers" if url is not None else ""
    return ", ".join(filter(None, (found, answers)))


def check_polling(url: str, clients: int) -> str:
    """Clients that poll come back to their pod each time, and may go on by WebSocket.

    Nobody signs in for it.
    """
    lost = sum(not _is_known(url) for _ in range(clients))
    if lost:
        raise CheckFailed(
            f"{lost} of {clients} clients came to a pod that did not know them (400): what is at "
            f"{url} does not keep clients on their pod"
        )
    if not PollingSocket(url).upgrades():
        raise CheckFailed(f"{url} does not let WebSockets through")
    return f"{clients} clients polled {clients * POLLS} times and met their pod each time"


def check_message(urls: Sequence[str], home: str, key: bytes) -> str:
    """What is said on the first pod is heard on all, and what is said on the last as well.

    It leaves two accounts and their room, in which a message without content stays for each that
    was sent.
    """
    chosen = list(urls)
    if len(chosen) > MOST_PODS:
        chosen = secrets.SystemRandom().sample(chosen, MOST_PODS)
    with ExitStack() as ends:
        speaker, listener = CheckAccount(home, key, "a"), CheckAccount(home, key, "b")
        ends.callback(speaker.leave)
        ends.callback(listener.leave)
        room = speaker.room_with(listener)
        ears = [(url, _open(ends, url, listener)) for url in chosen]
        for url in (chosen[0], chosen[-1])[: len(chosen)]:
            mouth = _open(ends, url, speaker)
            message = _said(mouth, room)
            ends.callback(speaker.erase, message)
            for ear, socket in ears:
                _require_heard(socket, message, f"what is said on {url} on {ear}")
    if len(chosen) == 1:
        return f"a message was said and heard at {chosen[0]}; it takes two pods to see it cross"
    return f"messages crossed between {len(chosen)} pods"


def _is_known(url: str) -> bool:
    opened = monotonic()
    socket = PollingSocket(url)
    try:
        for _ in range(POLLS):
            socket.say(PONG)
    except Unknown:
        if monotonic() - opened > CONNECT_SECONDS:
            raise CheckFailed(f"{url} is too slow for this: {POLLS} polls took seconds") from None
        return False
    finally:
        socket.close()
    return True


def _open(ends: ExitStack, url: str, account: CheckAccount) -> PollingSocket:
    socket = PollingSocket(url)
    ends.callback(socket.close)
    socket.connect(account.token)
    return socket


def _said(socket: PollingSocket, room: str) -> str:
    sent = {"roomId": room, "clientId": secrets.token_hex(16), "content": "whatchat check"}
    message: str = socket.emit("message:send", sent)["message"]["id"]
    return message


def _require_heard(socket: PollingSocket, message: str, what: str) -> None:
    deadline = monotonic() + HEARD_WITHIN
    while True:
        try:
            heard = socket.hear("message:new", deadline - monotonic())
        except CheckFailed:
            raise CheckFailed(
                f"nobody hears {what} within {HEARD_WITHIN:.0f} s: do both reach the same Redis?"
            ) from None
        if heard["message"]["id"] == message:
            return
