"""Settings of the whole test run."""

from hypothesis import settings

settings.register_profile("fast", max_examples=5)  # for `make test-fast`; `make test` tries a hundred
