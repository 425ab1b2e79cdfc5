"""names that count as one: names that are read as another, and what persons decided about names.

Revision: 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "name_merges",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("raw_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("similarity", sa.Double(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_name_merges")),
    )
    op.create_index(op.f("ix_name_merges_name"), "name_merges", ["name"], unique=False)
    op.create_index(op.f("ix_name_merges_raw_name"), "name_merges", ["raw_name"], unique=False)
    op.create_index(op.f("ix_name_merges_why"), "name_merges", ["why"], unique=False)
    op.create_table(
        "name_decisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("other_name", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "decision in ('same', 'different', 'reset')", name=op.f("ck_name_decisions_decision")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_name_decisions")),
    )


def downgrade() -> None:
    op.drop_table("name_decisions")
    op.drop_table("name_merges")
