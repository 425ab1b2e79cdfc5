"""verdicts say how far they can be trusted.

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TABLE = "advice_verifications"
_NUMBERS = ("anytime_low", "anytime_high", "e_value", "e_value_bound")
# Nothing that was verified before had an interval that holds at every look.
_VERDICT = (
    "case when not {sufficient} then 'not enough evidence' when {low} > 0 then 'consistent with helping' "
    "when {high} < 0 then 'consistent with harming' else 'may be chance' end"
)


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("verdict", sa.Text(), nullable=True))
    verdict = _VERDICT.format(sufficient="sufficient", low="ci_low", high="ci_high")
    op.execute(f"update {_TABLE} set verdict = {verdict}, conclusive = false")  # noqa: S608 - our own text
    op.alter_column(_TABLE, "verdict", nullable=False)
    for name in _NUMBERS:
        op.add_column(_TABLE, sa.Column(name, sa.Double(), nullable=True))
    verdict = _VERDICT.format(sufficient="(details->>'sufficient')::boolean", low="ci_low", high="ci_high")
    for table in ("learning_measures", "learning_history"):
        op.execute(
            f"update {table} set details = details || jsonb_build_object('verdict', {verdict}) "  # noqa: S608
            "where measure = 'advice_gain' and details ? 'sufficient'"
        )


def downgrade() -> None:
    for name in ("verdict", *_NUMBERS):
        op.drop_column(_TABLE, name)
    op.execute("update advice_verifications set conclusive = sufficient and (ci_low > 0 or ci_high < 0)")
