"""Keeps a process running: starts it again when it dies, ever more patiently."""

import asyncio
import time
from dataclasses import dataclass

from local_stack.child import Child

STEADY = 60.0
"""Seconds. A process that lived this long has recovered: the next pause is the first again."""


@dataclass
class Supervisor:
    child: Child
    first_pause: float = 0.5
    """Seconds between a death and the next start; the pause doubles."""
    longest_pause: float = 30.0
    restarts: int = 0

    async def run(self) -> None:
        """Until cancelled; the child has been started before."""
        pause, started = self.first_pause, time.monotonic()
        while True:
            await asyncio.sleep(0.2)
            if self.child.running:
                continue
            if time.monotonic() - started > STEADY:
                pause = self.first_pause
            await asyncio.sleep(pause)
            pause = min(pause * 2, self.longest_pause)
            self.child.start()
            self.restarts, started = self.restarts + 1, time.monotonic()
