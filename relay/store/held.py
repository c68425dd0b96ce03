"""What is kept of one visitor, whom a code names: each table that names visitors is a row here, and so is exported and
erased with the others.

A code leads to nobody: it is made of what the visitor's own browser keeps, with the server's pepper.
"""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store import chats
from relay.store.holding import Holding, Row, Unseal

HOLDINGS = (Holding("chats", chats.export, chats.erase_all),)


async def export(connection: AsyncConnection, code: str, unseal: Unseal) -> dict[str, Sequence[Row]]:
    """All of it."""
    return {holding.name: await holding.export(connection, code, unseal) for holding in HOLDINGS}


async def erase(connection: AsyncConnection, code: str) -> dict[str, int]:
    """All of it, in one transaction. Gives how much there was."""
    return {holding.name: await holding.erase(connection, code) for holding in HOLDINGS}
