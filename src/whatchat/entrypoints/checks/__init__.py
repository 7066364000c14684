"""``whatchat check``: whether an installation does what it is there for, seen from outside."""
