"""What staff did: a chain of entries that nobody changes, and that go only at the beginning."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

EXPIRED = "SELECT 1 FROM audit WHERE what = 'audit_expired' AND CAST(subject AS BIGINT) >= OLD.n"
"""Whether a later entry takes the place of this one (`relay.store.chain.expired`)."""

TRIGGERS = {
    "sqlite": (
        "CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit BEGIN"
        " SELECT RAISE(ABORT, 'the audit log is only added to'); END",
        f"CREATE TRIGGER audit_stays BEFORE DELETE ON audit WHEN NOT EXISTS ({EXPIRED}) BEGIN"
        " SELECT RAISE(ABORT, 'the audit log is only added to'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit_keeps() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF TG_OP = 'DELETE' THEN IF EXISTS ({EXPIRED}) THEN RETURN OLD; END IF; END IF;"
        " RAISE EXCEPTION 'the audit log is only added to'; END $$",
        "CREATE TRIGGER audit_keeps BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_keeps()",
        "CREATE TRIGGER audit_stays BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_keeps()",
    ),
}


def upgrade() -> None:
    word = sa.String(64)
    op.create_table(
        "audit",
        sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", word, nullable=False),
        sa.Column("what", word, nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("previous", sa.LargeBinary(32), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    for trigger in TRIGGERS[op.get_context().dialect.name]:
        op.execute(trigger)
