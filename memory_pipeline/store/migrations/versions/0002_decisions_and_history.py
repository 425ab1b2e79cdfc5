"""decisions of persons on findings, and the history of patterns.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("finding_id", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind in ('pattern', 'factor', 'member_pattern')", name=op.f("ck_decisions_kind")),
        sa.CheckConstraint(
            "(kind = 'pattern' and decision in ('activate', 'retire'))"
            " or (kind = 'factor' and decision in ('confirm', 'suppress'))"
            " or (kind = 'member_pattern' and decision in ('activate', 'retire'))",
            name=op.f("ck_decisions_decision"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index("ix_decisions_kind_finding_id", "decisions", ["kind", "finding_id", "id"])
    op.create_table(
        "pattern_history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("pattern_id", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("is_found", sa.Boolean(), nullable=False),
        sa.Column("absence_reason", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("risk_difference", sa.Double(), nullable=True),
        sa.Column("ci_low", sa.Double(), nullable=True),
        sa.Column("ci_high", sa.Double(), nullable=True),
        sa.Column("q_value", sa.Double(), nullable=True),
        sa.Column("sample_size", sa.Integer(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pattern_history")),
    )
    op.create_index(op.f("ix_pattern_history_pattern_id"), "pattern_history", ["pattern_id"])
    with op.batch_alter_table("pattern_identifications") as table:
        table.add_column(
            sa.Column("related_count", sa.Integer(), server_default=sa.text("0"), nullable=False)
        )
        table.add_column(sa.Column("is_found", sa.Boolean(), server_default=sa.text("true"), nullable=False))
        table.add_column(sa.Column("absence_reason", sa.Text(), nullable=True))
    op.execute(
        "update pattern_identifications set related_count = sample_size, is_found = active, "
        "absence_reason = retired_reason"
    )


def downgrade() -> None:
    with op.batch_alter_table("pattern_identifications") as table:
        table.drop_column("absence_reason")
        table.drop_column("is_found")
        table.drop_column("related_count")
    op.drop_index(op.f("ix_pattern_history_pattern_id"), table_name="pattern_history")
    op.drop_table("pattern_history")
    op.drop_index("ix_decisions_kind_finding_id", table_name="decisions")
    op.drop_table("decisions")
