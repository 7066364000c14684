"""What the driver leaves behind."""

import gc
import warnings


def drop_what_the_driver_dropped() -> None:
    """Whatever ends a client while it connects leaves that socket to the collector."""
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()
