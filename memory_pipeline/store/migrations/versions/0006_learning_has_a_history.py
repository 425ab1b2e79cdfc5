"""learning has a history.

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "learning_history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("segment_column", sa.Text(), nullable=False),
        sa.Column("segment_value", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("ci_low", sa.Double(), nullable=True),
        sa.Column("ci_high", sa.Double(), nullable=True),
        sa.Column("sample_size", sa.Integer(), nullable=False),
        sa.Column(
            "details",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learning_history")),
    )
    op.create_index(
        "ix_learning_history_point",
        "learning_history",
        ["measure", "period_start", "segment_column", "segment_value", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_learning_history_recorded_at"), "learning_history", ["recorded_at"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_learning_history_recorded_at"), table_name="learning_history")
    op.drop_index("ix_learning_history_point", table_name="learning_history")
    op.drop_table("learning_history")
