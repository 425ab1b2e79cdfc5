"""advice is verified, and its changes are told.

Revision: 0003, after 0001.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "served_recommendations",
        sa.Column("withheld", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column(
        "served_recommendations",
        sa.Column("control_share", sa.Double(), server_default=sa.text("0"), nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_served_recommendations_control_share"),
        "served_recommendations",
        "control_share >= 0 and control_share < 1",
    )
    op.create_table(
        "advice_verifications",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("gain", sa.Double(), nullable=False),
        sa.Column("ci_low", sa.Double(), nullable=False),
        sa.Column("ci_high", sa.Double(), nullable=False),
        sa.Column("sufficient", sa.Boolean(), nullable=False),
        sa.Column("conclusive", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("followed", sa.Integer(), nullable=False),
        sa.Column("not_followed", sa.Integer(), nullable=False),
        sa.Column("control", sa.Integer(), nullable=False),
        sa.Column("comparable", sa.Integer(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("strata", sa.Integer(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("gain between -1 and 1", name=op.f("ck_advice_verifications_gain")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advice_verifications")),
    )
    op.create_index(op.f("ix_advice_verifications_verified_at"), "advice_verifications", ["verified_at"])
    op.create_table(
        "advice_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("conditions", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("after", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("success_rate_before", sa.Double(), nullable=True),
        sa.Column("success_rate_after", sa.Double(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advice_changes")),
    )
    op.create_index(op.f("ix_advice_changes_changed_at"), "advice_changes", ["changed_at"])


def downgrade() -> None:
    op.drop_table("advice_changes")
    op.drop_table("advice_verifications")
    op.drop_constraint(op.f("ck_served_recommendations_control_share"), "served_recommendations")
    op.drop_column("served_recommendations", "control_share")
    op.drop_column("served_recommendations", "withheld")
