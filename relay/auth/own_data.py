"""What is kept of one visitor, for themselves and for those they ask: all of it is shown or erased at once."""

import base64
from collections.abc import Mapping, Sequence

from relay.auth.audit import Audit
from relay.auth.keys import Keys
from relay.auth.sealing import Sealing
from relay.auth.visitor import Visitor
from relay.store import held
from relay.store.holding import Row
from relay.store.records import Records

ERASED = "visitor_erased"
"""What the audit log says, about a code: that leads to nobody, and tells later that what was asked was done."""

CODE_BYTES = 10
GROUP = 4
"""Characters that stand together where people read a code."""

_READ = str.maketrans("", "", "- ")


def code_of(visitor: Visitor, keys: Keys) -> str:
    """What a visitor is called in the database: 16 letters and digits, which lead to nobody."""
    return base64.b32encode(keys.pseudonym("visitor", visitor.id)[:CODE_BYTES]).decode()


def for_people(code: str) -> str:
    """In groups, to be read out."""
    return "-".join(code[place : place + GROUP] for place in range(0, len(code), GROUP))


def from_people(text: str) -> str | None:
    """What somebody typed; None: it is no code."""
    code = text.translate(_READ).upper()
    try:
        return code if len(base64.b32decode(code)) == CODE_BYTES else None
    except ValueError:
        return None


class OwnData:
    """One per server."""

    def __init__(self, *, records: Records, audit: Audit, keys: Keys) -> None:
        self._records = records
        self._audit = audit
        self._keys = keys
        self._sealing = Sealing(keys)

    def code_of(self, visitor: Visitor) -> str:
        """What a visitor is called here."""
        return code_of(visitor, self._keys)

    async def export(self, code: str) -> Mapping[str, Sequence[Row]]:
        """All that is kept of them.

        Raises:
            RelayError: the database does not answer.
        """
        if not self._records.is_kept:
            return {}
        return await self._records.ask(lambda connection: held.export(connection, code, self._sealing.unseal))

    async def erase(self, code: str, who: str) -> Mapping[str, int]:
        """Erase it, and note who did. Gives how much there was.

        Raises:
            RelayError: it is still there.
        """
        if not self._records.is_kept:
            return {}
        return await self._audit.do(lambda connection: held.erase(connection, code), who=who, what=ERASED, subject=code)
