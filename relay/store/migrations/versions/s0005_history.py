"""Chats that two people agreed to keep."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key, code = sa.String(32), sa.String(16)
    op.create_table(
        "chats",
        sa.Column("id", key, primary_key=True),
        sa.Column("one", code, nullable=False),
        sa.Column("other", code, nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
    for column in ("one", "other", "until"):
        op.create_index(f"ix_chats_{column}", "chats", [column])
    op.create_table(
        "chat_lines",
        sa.Column("chat", key, sa.ForeignKey("chats.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("writer", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
