"""Keeps what strangers wrote from acting on a terminal, or from looking like a line of ours."""

import io
from typing import Any, TextIO

import structlog

INDENT = "    "
"""Before each line of a traceback, so that none looks like a record."""


def escape(text: str) -> str:
    """The text with everything that is not printable as Python would write it: newlines, ESC, directions."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def escape_fields(logger: object, method: str, fields: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A processor. What is not text is shown by its `repr`, which escapes by itself."""
    return {name: escape(value) if isinstance(value, str) else value for name, value in fields.items()}


def write_traceback(stream: TextIO, failure: Any) -> None:
    """An exception formatter for the console: structlog's plain one, escaped and indented."""
    plain = io.StringIO()
    structlog.dev.plain_traceback(plain, failure)
    # Not splitlines(): it knows line ends that are none to a terminal's reader, and they are to be escaped.
    for line in plain.getvalue().split("\n"):
        stream.write(f"\n{INDENT}{escape(line)}")
