"""Hides from a process of the product what is installed for tests and clients alone.

python-socketio imports these if they are there. Without them the product runs as it is deployed,
and starts in half the time.
"""

import sys

sys.modules.update(dict.fromkeys(("aiohttp", "redis")))  # type: ignore[arg-type] # None: is missing
