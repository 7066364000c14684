"""What the server has to look at."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.database import Database

from tests.servers.mongod import Answer


@contextmanager
def profiled(documents: Database[Answer]) -> Iterator[list[Answer]]:
    """What the server noted of the questions that were asked of the log meanwhile."""
    found: list[Answer] = []
    documents.command("profile", 2)
    try:
        yield found
    finally:
        documents.command("profile", 0)
        found += documents["system.profile"].find({"ns": f"{documents.name}.log"})
        documents.drop_collection("system.profile")
