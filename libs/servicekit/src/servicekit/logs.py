"""One stream of log lines, ours and our libraries', as JSON for collectors or as text for a person.

Log with `structlog.get_logger(__name__).info("stable.dotted_name", field=value)`. Whatever belongs to one message goes
into `with bound_contextvars(event_id=...)`: every line inside carries it, and nothing outlives the block (a bare
`bind_contextvars` would leak into the next message).
"""

import logging
import sys
from types import TracebackType
from typing import TextIO

import orjson
import structlog
from structlog.contextvars import bound_contextvars
from structlog.stdlib import ProcessorFormatter
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

from servicekit.redaction import redact_fields
from servicekit.settings import LogSettings
from servicekit.telemetry import name_trace

__all__ = ["bound_contextvars", "configure"]

REPEAT_SECONDS = 10.0

_QUIET = {"aiokafka": "WARNING", "httpx": "WARNING", "uvicorn": "WARNING", "asyncio": "WARNING", "faststream": "INFO"}


def configure(settings: LogSettings, *, service: str, stream: TextIO | None = None) -> None:
    """Send everything that is logged in this process to the stream (standard error by default).

    To be called once, first thing after the settings are read; calling it again replaces what the first call set up. A
    FastStream broker keeps its own coloured handler unless it is given a logger: `KafkaBroker(logger=logging.getLogger(...))`.
    """
    stream = stream or sys.stderr
    terminal = settings.format == "terminal" or (settings.format == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[*_shared(), structlog.stdlib.ExtraAdder()],
            processors=[
                ProcessorFormatter.remove_processors_meta,
                *(_as_text(stream) if terminal else _as_json(service)),
            ],
        )
    )
    handler.addFilter(_Chatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level)
    for name, level in _QUIET.items():
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(max(logging.getLevelName(level), root.level))
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_shared(),
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        name_trace,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _as_json(service: str) -> list[Processor]:
    def name_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {"service": service, **event}

    return [
        name_service,
        # Frames without their local variables: those hold passwords and customers' figures.
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False, max_frames=20)),
        _redact,
        structlog.processors.JSONRenderer(serializer=_dumps),
    ]


def _as_text(stream: TextIO) -> list[Processor]:
    return [
        structlog.processors.format_exc_info,
        _redact,
        structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback),
    ]


def _redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return redact_fields(event)


def _dumps(event: EventDict, **_options: object) -> str:
    return orjson.dumps(event, option=orjson.OPT_UTC_Z).decode()


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        structlog.get_logger("servicekit").critical("service.crashed", exc_info=(kind, error, trace))


class _Chatter(logging.Filter):
    """Drops lines that say nothing, and the same aiokafka line within ten seconds.

    While a broker is away aiokafka reports each of its attempts, several a second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.module == "supervisor" and record.levelno == logging.INFO:
            return False  # FastStream: "callback for Task-12 is being executed..."
        if not record.name.startswith("aiokafka"):
            return True
        text = record.getMessage()
        if record.created - self._said.get(text, 0.0) < REPEAT_SECONDS:
            return False
        if len(self._said) > 1000:
            self._said.clear()
        self._said[text] = record.created
        return True
