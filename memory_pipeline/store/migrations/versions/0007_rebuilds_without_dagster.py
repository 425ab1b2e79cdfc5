"""rebuilds without dagster.

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rebuilds",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rebuilds")),
    )
    op.create_index(op.f("ix_rebuilds_ended_at"), "rebuilds", ["ended_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_rebuilds_ended_at"), table_name="rebuilds")
    op.drop_table("rebuilds")
