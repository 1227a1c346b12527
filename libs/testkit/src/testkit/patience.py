"""How long a test waits for what must come before it gives up.

A test says what is plenty on a machine of its own. Where test processes share the processors everything takes longer, and now and then one
of them stands still for seconds: giving up then would say nothing about what is tested.
"""

import os

SHARED = 4


def patient(seconds: float) -> float:
    """So long at most; more where pytest-xdist runs several processes side by side."""
    return seconds * SHARED if "PYTEST_XDIST_WORKER" in os.environ else seconds
