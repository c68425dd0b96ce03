"""Writes what happened to the log."""

import logging
from functools import cache

from relay.observe.happenings import Happening
from relay.observe.logs.logging import get_logger


class LogWriter:
    """A `Reader` of the journal."""

    def reads(self, kind: type[Happening]) -> bool:
        return bool(kind.event)

    def note(self, happening: Happening) -> None:
        kind = type(happening)
        if not _standard(kind.logger).isEnabledFor(kind.level):
            return  # before anything is made of it: most of what happens is of interest to nobody
        fields = {name: _written(getattr(happening, name)) for name in _fields(kind)}
        if isinstance(fields.get("cause"), BaseException):
            fields["exc_info"] = fields.pop("cause")
        get_logger(kind.logger).log(kind.level, kind.event, **fields)


@cache
def _standard(name: str) -> logging.Logger:
    return logging.getLogger(f"relay.{name}")


@cache
def _fields(kind: type[Happening]) -> tuple[str, ...]:
    return tuple(name for name in kind.__struct_fields__ if name not in kind.unwritten)


def _written(value: object) -> object:
    if isinstance(value, float):
        return round(value, 3)
    return value if isinstance(value, str | int | tuple | BaseException | None) else str(value)
