"""People: registration, sign-in, devices and profiles."""
