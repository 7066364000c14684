"""What every test runs under."""

from hypothesis import settings

# The same examples on every run: what fails once fails again. `--hypothesis-profile=long`
# (`make test-full`) looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("long", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile("repeatable")
