"""Staff: who they are, their passkeys, and where they are signed in."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key, word, digest = sa.String(32), sa.String(64), sa.String(64)
    op.create_table(
        "staff",
        sa.Column("id", key, primary_key=True),
        sa.Column("name", word, nullable=False, unique=True),
        sa.Column("roles", word, nullable=False),
        sa.Column("added_at", sa.BigInteger, nullable=False),
        sa.Column("link", digest, unique=True),
        sa.Column("link_ends", sa.BigInteger),
    )
    op.create_table(
        "staff_passkeys",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("owner", key, sa.ForeignKey("staff.id", ondelete="CASCADE"), nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("signed", sa.BigInteger, nullable=False),
        sa.Column("made", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_staff_passkeys_owner", "staff_passkeys", ["owner"])
    op.create_table(
        "staff_sessions",
        sa.Column("hash", digest, primary_key=True),
        sa.Column("owner", key, sa.ForeignKey("staff.id", ondelete="CASCADE"), nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("shown_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_staff_sessions_owner", "staff_sessions", ["owner"])
    op.create_index("ix_staff_sessions_ends_at", "staff_sessions", ["ends_at"])
