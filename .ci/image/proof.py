"""Proves, inside of an image in the making, that nothing is missing there that Whatchat loads.

usage: python proof.py      run by the Dockerfile; fails with what is missing
"""

import asyncio
import importlib
import pkgutil
import sqlite3
import ssl
import sys
from contextlib import closing

import uvloop

import whatchat


def load_everything() -> None:
    """Whatever module a pod, a worker or a command may load, and the libraries behind it."""
    for module in pkgutil.walk_packages(whatchat.__path__, "whatchat."):
        # The client is for other programs: what it needs besides is not in an image of servers.
        if not module.name.startswith("whatchat.client"):
            importlib.import_module(module.name)
    importlib.import_module("pymongo.asynchronous.srv_resolver")


async def use_threads_and_names() -> None:
    """What glibc and uvloop load by name alone, once somebody asks."""
    loop = asyncio.get_running_loop()
    await loop.getaddrinfo("localhost", 80)
    with closing(sqlite3.connect(":memory:", check_same_thread=False)) as database:
        await asyncio.to_thread(database.execute, "SELECT 1")


load_everything()
uvloop.run(use_threads_and_names())
if not ssl.create_default_context().cert_store_stats()["x509_ca"]:
    sys.exit("no certificate authority is known, so no server with TLS would be believed")
