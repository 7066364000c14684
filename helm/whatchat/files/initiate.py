"""Make the trial MongoDB a replica set of one node, once; safe to repeat, and twice at a time.

The node's name for ever is the first argument; its URL, which names the set, is in
WHATCHAT_STORE_URL. Until the node can be reached it is tried again, for ``SECONDS`` at most.
"""

import os
import signal
import sys
import time
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

SECONDS: Final = 300
PAUSE_SECONDS: Final = 1
TRY_SECONDS: Final = 5
ALREADY_INITIALIZED: Final = 23


def initiate(url: str, host: str) -> None:
    """Initiate the node, unless it was. Raises ``PyMongoError``."""
    # A node that is of no set yet is not found as a member of one.
    client: MongoClient[dict[str, Any]] = MongoClient(
        url, directConnection=True, replicaSet=None, timeoutMS=TRY_SECONDS * 1000
    )
    name = parse_uri(url, warn=False)["options"]["replicaSet"]
    with client:
        try:
            members = [{"_id": 0, "host": host}]
            client.admin.command("replSetInitiate", {"_id": name, "members": members})
        except OperationFailure as error:
            if error.code != ALREADY_INITIALIZED:
                raise


def main(host: str) -> None:
    """Try until it works."""
    # As a container's first process it is ended by no signal that it does not take itself.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    last = time.monotonic() + SECONDS
    told = ""
    while True:
        try:
            return initiate(os.environ["WHATCHAT_STORE_URL"], host)
        except PyMongoError as error:
            what = f"{host} is not a replica set yet: {type(error).__name__}: {error}"
            if time.monotonic() > last:
                sys.exit(what)
            if what.partition(",")[0] != told:
                told = what.partition(",")[0]
                sys.stderr.write(f"{what}\n")
                sys.stderr.flush()
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
