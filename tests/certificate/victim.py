"""A service that is armed, dies where it was told to, and is started again unarmed."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from local_stack.child import Child
from local_stack.stack import LocalStack


class Victim:
    """``kills`` counts its deaths by SIGKILL. Between its lives there is no pause, unlike the supervisor's, which grows."""

    def __init__(self, stack: LocalStack, service: str) -> None:
        process = next(part.process for part in stack.parts if part.name == service)
        assert process is not None
        self.service = service
        self.kills = 0
        self._process: Child = process

    @asynccontextmanager
    async def armed(self, crash_at: str | None, *, command: Sequence[str] | None = None) -> AsyncIterator[None]:
        """In its first life within the block it dies at the point; ``command`` is what it runs in all lives within the block."""
        environment, usual = self._process.environment, self._process.command
        self._process.kill()
        self._process.command = command or usual
        self._process.environment = {**environment, "CRASH_AT": crash_at} if crash_at else environment
        self._process.start()
        self._process.environment = environment
        watching = asyncio.create_task(self._start_again())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.wait({watching})
            self._process.command = usual
            if command or not self.kills:  # it is not what it should be
                self._process.kill()
            self._process.start()

    async def _start_again(self) -> None:
        while True:
            if not self._process.running:
                self.kills += self._process.status == -signal.SIGKILL
                self._process.start()
            await asyncio.sleep(0.02)
