"""Entries of the audit log as JSON, for people and for programs elsewhere: from a line an entry can be made again, to
the last bit, and checked.
"""

import msgspec

from relay.store.chain import Entry


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as it is printed; bytes in hexadecimal digits."""

    n: int
    at: int
    """Seconds since 1970."""
    who: str
    what: str
    subject: str
    detail: msgspec.Raw
    """An object."""
    previous: str
    hash: str
    signature: str


def line_of(entry: Entry) -> Line:
    """As it is printed."""
    return Line(
        n=entry.n,
        at=entry.at,
        who=entry.who,
        what=entry.what,
        subject=entry.subject,
        detail=msgspec.Raw(entry.detail.encode()),
        previous=entry.previous.hex(),
        hash=entry.hash.hex(),
        signature=entry.signature.hex(),
    )


def entry_of(line: bytes) -> Entry:
    """As it was written.

    Raises:
        ValueError: it is none.
    """
    read = msgspec.json.decode(line, type=Line)
    return Entry(
        n=read.n,
        at=read.at,
        who=read.who,
        what=read.what,
        subject=read.subject,
        detail=bytes(read.detail).decode(),
        previous=bytes.fromhex(read.previous),
        hash=bytes.fromhex(read.hash),
        signature=bytes.fromhex(read.signature),
    )
