"""The tables, as this version has them. `migrations/` brings a database there.

`node` is the server that wrote a row, as an operator calls it. Times are in whole seconds since 1970.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

KEY = String(32)
WORD = String(64)
HASH = String(64)
"""SHA-256, in hexadecimal."""

metadata = MetaData()

sessions = Table(
    "user_sessions",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("node", WORD, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, nullable=False, index=True),
    Column("reason", WORD, nullable=False),
    Column("browser", WORD, nullable=False),
    Column("path", WORD),
    Column("rooms", Integer, nullable=False),
)

rooms = Table(
    "rooms",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("node", WORD, nullable=False),
    Column("mode", WORD, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, nullable=False, index=True),
    Column("reason", WORD, nullable=False),
)

# No key of `user_sessions` must exist: a visit is written when it has ended, after its conversations.
room_sessions = Table(
    "room_sessions",
    metadata,
    Column("room", KEY, ForeignKey("rooms.id", ondelete="CASCADE"), primary_key=True),
    Column("session", KEY, primary_key=True),
    Index("ix_room_sessions_session", "session"),
)

# `run` is one life of a server: it writes its own sum of an hour again and again, and adds to nobody else's.
hourly = Table(
    "hourly",
    metadata,
    Column("hour", BigInteger, primary_key=True),
    Column("node", WORD, primary_key=True),
    Column("run", KEY, primary_key=True),
    Column("name", WORD, primary_key=True),
    Column("value", Float, nullable=False),
)

# Whom the operator let in to look after the place. `link` is the hash of what an invited person shows once, until
# `link_ends`.
staff = Table(
    "staff",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("name", WORD, nullable=False, unique=True),
    Column("roles", WORD, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("link", HASH, unique=True),
    Column("link_ends", BigInteger),
)


def passkeys_of(owners: Table, name: str) -> Table:
    """Passkeys of the people in a table. `made` is when the challenge was made that was used last, in microseconds."""
    return Table(
        name,
        metadata,
        Column("id", LargeBinary, primary_key=True),
        Column("owner", KEY, ForeignKey(owners.c.id, ondelete="CASCADE"), nullable=False, index=True),
        Column("public_key", LargeBinary, nullable=False),
        Column("signed", BigInteger, nullable=False),
        Column("made", BigInteger, nullable=False),
    )


def signed_in_of(owners: Table, name: str) -> Table:
    """Where people in a table are signed in. `hash` is of what their browser shows."""
    return Table(
        name,
        metadata,
        Column("hash", HASH, primary_key=True),
        Column("owner", KEY, ForeignKey(owners.c.id, ondelete="CASCADE"), nullable=False, index=True),
        Column("began_at", BigInteger, nullable=False),
        Column("shown_at", BigInteger, nullable=False),
        Column("seen_at", BigInteger, nullable=False),
        Column("ends_at", BigInteger, nullable=False, index=True),
    )


# Who wants to be known again. `preferences` is what the page keeps there, in JSON; `rules` and `age` are what they
# agreed to, as in a visitor's cookie.
accounts = Table(
    "accounts",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("nickname", WORD),
    Column("preferences", Text, nullable=False),
    Column("rules", WORD),
    Column("age", Integer, nullable=False),
    Column("made_at", BigInteger, nullable=False),
)

# Who they are at the operator's provider, as a name that leads back there only with the server's pepper.
account_identities = Table(
    "account_identities",
    metadata,
    Column("subject", HASH, primary_key=True),
    Column("owner", KEY, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
)

account_passkeys = passkeys_of(accounts, "account_passkeys")
account_sessions = signed_in_of(accounts, "account_sessions")
staff_passkeys = passkeys_of(staff, "staff_passkeys")
staff_sessions = signed_in_of(staff, "staff_sessions")

# Entries are only ever added, and go at the beginning; triggers hold to it (`versions/s0002_audit.py`).
audit = Table(
    "audit",
    metadata,
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("who", WORD, nullable=False),
    Column("what", WORD, nullable=False),
    Column("subject", String(128), nullable=False),
    # JSON as it was hashed: a column of the database's own kind would write it anew.
    Column("detail", Text, nullable=False),
    Column("previous", LargeBinary(32), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("signature", LargeBinary(64), nullable=False),
)
