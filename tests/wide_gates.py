"""Bounds for a load test beside which anything else may run: it is not what is measured."""

from typing import Final

WIDE: Final = (
    "--gate=delivery_mean=5000",
    "--gate=delivery_p99=30000",
    "--gate=warming_p99=30000",
    "--gate=connect_p99=9000",
)
