"""how often an advised approach was tried in its very context.

Revision: 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TABLE = "approach_recommendations"


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("attempts_in_context", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column(_TABLE, "attempts_in_context")
