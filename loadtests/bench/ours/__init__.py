"""Whatchat's own sockets, as a pod has them, over rooms that are made up."""
