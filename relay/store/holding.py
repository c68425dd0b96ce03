"""How a table that names visitors shows and erases what it has of one; `held.py` lists them."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

Unseal = Callable[[bytes, bytes], bytes]
"""What was encrypted, given what it was bound to."""

Row = Mapping[str, object]
"""As JSON can have it."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What one table has of visitors."""

    name: str
    """As it is called in an export."""
    export: Callable[[AsyncConnection, str, Unseal], Coroutine[Any, Any, Sequence[Row]]]
    erase: Callable[[AsyncConnection, str], Coroutine[Any, Any, int]]
    """Gives how many there were."""
