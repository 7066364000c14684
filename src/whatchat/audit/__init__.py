"""The audit log: told on the pods, chained and signed in the background, verified by anybody."""
