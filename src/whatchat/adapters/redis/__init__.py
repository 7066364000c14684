"""The nerves: Redis carries copies, leases and work; it may vanish at any time."""
