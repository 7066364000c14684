"""People who chat, thousands in a process: what Locust's scenarios are made of.

Locust makes the standard library gevent's when it is imported. Its own processes need that; whoever
reads a scenario from elsewhere, with threads and an event loop, gets a Locust that does not.
"""

import importlib
import os
import sys
from typing import Final

_UNPATCHED: Final = "LOCUST_SKIP_MONKEY_PATCH"

if "locust" not in sys.modules and _UNPATCHED not in os.environ:
    os.environ[_UNPATCHED] = "1"
    importlib.import_module("locust")
    del os.environ[_UNPATCHED]  # processes started from here may be Locust's own
