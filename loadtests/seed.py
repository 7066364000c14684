"""``python -m loadtests.seed``: give the people of a load test accounts and rooms, in bulk.

They are put into the store directly, within seconds: a password is hashed once, not for each.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from loadtests.swarm.cast import Cast, Layout
from loadtests.swarm.repertoire import scenario
from loadtests.swarm.seeding import seed
from whatchat.domain.errors import ChatError
from whatchat.features.accounts.passwords import PasswordHasher
from whatchat.settings import BadSetting


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; 1, and a line, if the store cannot be used."""
    given = _arguments(arguments)
    if not given.store:
        return _failed("WHATCHAT_STORE_URL or --store must name the servers' store")
    try:
        layout = scenario(given.scenario).layout if given.scenario else given.layout
        cast = Cast(given.users, shards=given.shards, layout=layout)
        asyncio.run(_seed(given.store, cast, given.password))
    except (BadSetting, ChatError, ValueError) as error:
        return _failed(str(error))
    return 0


async def _seed(store_url: str, cast: Cast, password: str) -> None:
    hasher = PasswordHasher()
    try:
        password_hash = await hasher.hash(password) if password else ""
    finally:
        await hasher.close()
    await seed(store_url, cast, password_hash, _tell)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.seed", description=__doc__)
    add = parser.add_argument
    add("--store", default=os.environ.get("WHATCHAT_STORE_URL", ""), help="WHATCHAT_STORE_URL")
    add("--users", type=int, default=100, help="how many people")
    add("--shards", type=int, default=1, help="how many worker processes will play them")
    add("--layout", type=Layout, default=Layout.ZIPF, help=f"one of {', '.join(Layout)}")
    add("--scenario", default="", help="in place of a layout, the one that this scenario has")
    add("--password", default="", help="everybody's, for those who look on; none by default")
    return parser.parse_args(arguments)


def _failed(reason: str) -> int:
    sys.stderr.write(f"nothing can be seeded: {reason}\n")
    return 1


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
