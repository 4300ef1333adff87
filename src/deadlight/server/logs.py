"""Logging: one constant message per event with its values as fields, as text for people or JSON for collectors."""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import Processor

# Local variables hold what is secret, and laying them out for reading stops the service for seconds at each failure.
_TRACEBACKS = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
_NOISY = ("alembic", "asyncio", "pgqueuer", "uvicorn.error", "uvicorn.access")


def configure_logging(log_format: Literal["text", "json"]) -> None:
    """Send everything, the libraries' included, to standard error through one formatter."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[Processor] = (
        [structlog.processors.ExceptionRenderer(_TRACEBACKS), structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
