"""Sets up logging once: structlog for us, and the same renderer for the libraries' standard loggers.

No line holds a person's address or a character that acts on a terminal, and a flood of like events becomes
one line.
"""

import logging
import sys
from collections.abc import Container
from typing import Any

import structlog

from relay.config.settings import LogFormat, LogLevel
from relay.observe.logs.escaping import escape_fields, write_traceback
from relay.observe.logs.folding import FoldingHandler
from relay.observe.logs.pseudonyms import Pseudonyms


def configure(level: LogLevel, form: LogFormat, own_addresses: Container[str] = ()) -> None:
    """Send all records, ours and the libraries', to standard error in one form."""
    pseudonyms = Pseudonyms(own_addresses)

    def hide_addresses(logger: object, method: str, line: Any) -> str:
        """The line is text by now: the renderer comes before."""
        return pseudonyms.hide(line)

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form is LogFormat.JSON
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=write_traceback)
    )
    finish: list[structlog.typing.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    # JSON escapes by itself.
    finish.append(structlog.processors.format_exc_info if form is LogFormat.JSON else escape_fields)
    handler = FoldingHandler(sys.stderr)
    chain: list[structlog.typing.Processor] = [*finish, renderer, hide_addresses]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=chain))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    set_level(level)
    logging.captureWarnings(capture=True)
    # The libraries speak per packet and per request below warning.
    for library in ("aiohttp.access", "aioice", "aiortc", "libav"):
        logging.getLogger(library).setLevel(logging.WARNING)
    # It calls an error, with a traceback, whatever a stranger writes that is no HTTP; failures of ours are told
    # by `web/failures.py`.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)


def set_level(level: LogLevel) -> None:
    """From now on."""
    logging.getLogger().setLevel(level.upper())


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for one noun of the project, such as `room` or `peer`."""
    return structlog.stdlib.get_logger(f"relay.{name}")
