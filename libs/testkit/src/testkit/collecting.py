"""Loading and collecting make some hundred thousand objects that live as long as the run. Looking through them for garbage again and again
took a fifth of the fast tests' time."""

import atexit
import gc

import pytest

gc.disable()  # the plugin is loaded before there is a hook to do it in


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """From here on garbage is collected as usual, among what the tests make."""
    gc.freeze()
    gc.enable()
    # What is left at the end ends with the process.
    atexit.register(gc.freeze)
