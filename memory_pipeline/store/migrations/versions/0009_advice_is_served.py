"""advice is served: candidates are stored once, and past attempts are found by index.

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_JSONB = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
_OUTCOMES = "packaging_outcomes"


def upgrade() -> None:
    op.create_table(
        "served_candidates",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("candidates", _JSONB, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_served_candidates")),
    )
    op.execute(
        "insert into served_candidates (id, candidates) select distinct on (md5(candidates::text)) "
        "md5(candidates::text), candidates from served_recommendations"
    )
    op.add_column("served_recommendations", sa.Column("candidates_id", sa.Text(), nullable=True))
    op.execute("update served_recommendations set candidates_id = md5(candidates::text)")
    op.alter_column("served_recommendations", "candidates_id", nullable=False)
    op.drop_column("served_recommendations", "candidates")
    op.create_index(
        "ix_packaging_outcomes_successes",
        _OUTCOMES,
        ["occurred_at", "id"],
        postgresql_where=sa.text("outcome_status = 'success'"),
    )
    op.create_index(
        "ix_packaging_outcomes_others",
        _OUTCOMES,
        ["occurred_at", "id"],
        postgresql_where=sa.text("outcome_status <> 'success'"),
    )
    op.create_index(op.f("ix_packaging_outcomes_application_vendor"), _OUTCOMES, ["application_vendor"])
    for column in ("context", "approach_details"):
        op.create_index(
            f"ix_packaging_outcomes_{column}",
            _OUTCOMES,
            [column],
            postgresql_using="gin",
            postgresql_ops={column: "jsonb_path_ops"},
        )


def downgrade() -> None:
    for name in ("approach_details", "context", "application_vendor", "others", "successes"):
        op.drop_index(f"ix_packaging_outcomes_{name}", table_name=_OUTCOMES)
    op.add_column("served_recommendations", sa.Column("candidates", _JSONB, nullable=True))
    op.execute(
        "update served_recommendations as s set candidates = c.candidates from served_candidates as c "
        "where c.id = s.candidates_id"
    )
    op.execute("update served_recommendations set candidates = '[]' where candidates is null")
    op.alter_column("served_recommendations", "candidates", nullable=False)
    op.drop_column("served_recommendations", "candidates_id")
    op.drop_table("served_candidates")
