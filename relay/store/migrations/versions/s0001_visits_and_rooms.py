"""Visits, conversations, and sums by the hour."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    key, word = sa.String(32), sa.String(64)
    op.create_table(
        "user_sessions",
        sa.Column("id", key, primary_key=True),
        sa.Column("node", word, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger, nullable=False),
        sa.Column("reason", word, nullable=False),
        sa.Column("browser", word, nullable=False),
        sa.Column("path", word),
        sa.Column("rooms", sa.Integer, nullable=False),
    )
    op.create_index("ix_user_sessions_ended_at", "user_sessions", ["ended_at"])
    op.create_table(
        "rooms",
        sa.Column("id", key, primary_key=True),
        sa.Column("node", word, nullable=False),
        sa.Column("mode", word, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger, nullable=False),
        sa.Column("reason", word, nullable=False),
    )
    op.create_index("ix_rooms_ended_at", "rooms", ["ended_at"])
    op.create_table(
        "room_sessions",
        sa.Column("room", key, sa.ForeignKey("rooms.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("session", key, primary_key=True),
    )
    op.create_index("ix_room_sessions_session", "room_sessions", ["session"])
    op.create_table(
        "hourly",
        sa.Column("hour", sa.BigInteger, primary_key=True),
        sa.Column("node", word, primary_key=True),
        sa.Column("run", key, primary_key=True),
        sa.Column("name", word, primary_key=True),
        sa.Column("value", sa.Float, nullable=False),
    )
