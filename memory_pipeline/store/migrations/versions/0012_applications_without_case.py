"""applications without case: the attempts with one application are found by index, however it is spelt.

Revision: 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_INDEX = "ix_packaging_outcomes_lower_application_name"
_OUTCOMES = "packaging_outcomes"


def upgrade() -> None:
    op.create_index(_INDEX, _OUTCOMES, [sa.text("lower(application_name)")])


def downgrade() -> None:
    op.drop_index(_INDEX, table_name=_OUTCOMES)
