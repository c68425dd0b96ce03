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
CODE = String(16)
"""Of a visitor."""

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

# Two visitors, by their codes (`relay.auth.own_data`), who both wanted to keep what they wrote.
chats = Table(
    "chats",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("one", CODE, nullable=False, index=True),
    Column("other", CODE, nullable=False, index=True),
    Column("began_at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False, index=True),
)

# `writer` is 0 for the one and 1 for the other; `sealed` is the text, encrypted.
chat_lines = Table(
    "chat_lines",
    metadata,
    Column("chat", KEY, ForeignKey("chats.id", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("writer", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
