"""Long tests first, and no looking for garbage while tests are loaded.

Loading and collecting make some hundred thousand objects that live as long as the run. Looking through them for garbage again and again
took a fifth of the fast tests' time.
"""

import atexit
import gc

import pytest

gc.disable()  # the plugin is loaded before there is a hook to do it in


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A long file that is begun last keeps one process busy while the others have nothing left."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """From here on garbage is collected as usual, among what the tests make."""
    gc.freeze()
    gc.enable()
    # What is left at the end ends with the process.
    atexit.register(gc.freeze)
