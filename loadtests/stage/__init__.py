"""Where a load test takes place: a cluster of its own on this machine, or one elsewhere."""
