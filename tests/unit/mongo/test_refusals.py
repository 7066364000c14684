import pytest
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from whatchat.adapters.mongo.deadlines import DISK_IS_FULL
from whatchat.adapters.mongo.refusals import refusal
from whatchat.domain.ports.store import NotLetIn

NONE = "no primary of a replica set within 5 s: "
TOPOLOGY = ", Timeout: 5.0s, Topology Description: <TopologyDescription id: 6, servers: []>"


def away(text: str) -> PyMongoError:
    return ServerSelectionTimeoutError(text + TOPOLOGY)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            away("chat:27017: [Errno -2] Name or service not known (configured timeouts: 20 s)"),
            NONE + "chat:27017: [Errno -2] Name or service not known"
            " (check the name, and this machine's DNS)",
        ),
        (
            away("chat:27017: timed out"),
            NONE + "chat:27017: timed out"
            " (is MongoDB running, and do firewalls and network policies let this machine in?)",
        ),
        (
            away("SSL handshake failed: chat:27017: "),
            NONE + "SSL handshake failed: chat:27017"
            " (check tls= in the URL and the certificates on both sides)",
        ),
        (away("something new"), NONE + "something new"),
        (
            ConfigurationError("The DNS query name does not exist: _mongodb._tcp.chat."),
            (
                "the servers cannot be looked up: The DNS query name does not exist:"
                " _mongodb._tcp.chat. (check the name, and this machine's DNS)"
            ),
        ),
        (OperationFailure("private", 96), "MongoDB refuses to be read: OperationFailure 96"),
        (OperationFailure("private", 14031), DISK_IS_FULL),
        (AutoReconnect("private"), "MongoDB does not answer: AutoReconnect"),
    ],
)
def test_what_is_wrong_and_what_to_do(error: PyMongoError, text: str) -> None:
    assert refusal(error, within=5.0).text == text


@pytest.mark.parametrize(("code", "text"), [(18, "authSource="), (13, "readWrite")])
def test_who_is_not_let_in(code: int, text: str) -> None:
    said = refusal(OperationFailure("private", code), within=5.0)
    assert isinstance(said, NotLetIn)
    assert text in said.text
