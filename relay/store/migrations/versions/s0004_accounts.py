"""Accounts: what they carry, who they are at a provider, their passkeys, and where they are signed in."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key, word, digest = sa.String(32), sa.String(64), sa.String(64)
    op.create_table(
        "accounts",
        sa.Column("id", key, primary_key=True),
        sa.Column("nickname", word),
        sa.Column("preferences", sa.Text, nullable=False),
        sa.Column("rules", word),
        sa.Column("age", sa.Integer, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "account_identities",
        sa.Column("subject", digest, primary_key=True),
        sa.Column("owner", key, sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    )
    op.create_index("ix_account_identities_owner", "account_identities", ["owner"])
    op.create_table(
        "account_passkeys",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("owner", key, sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("signed", sa.BigInteger, nullable=False),
        sa.Column("made", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_account_passkeys_owner", "account_passkeys", ["owner"])
    op.create_table(
        "account_sessions",
        sa.Column("hash", digest, primary_key=True),
        sa.Column("owner", key, sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("shown_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_account_sessions_owner", "account_sessions", ["owner"])
    op.create_index("ix_account_sessions_ends_at", "account_sessions", ["ends_at"])
