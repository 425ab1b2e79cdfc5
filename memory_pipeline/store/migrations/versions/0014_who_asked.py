"""who asked: the door, the token and the time that an answer took.

Revision: 0014, after 0013.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TABLE = "served_recommendations"


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("door", sa.Text(), nullable=True))
    op.add_column(_TABLE, sa.Column("asked_by", sa.Text(), nullable=True))
    op.add_column(_TABLE, sa.Column("seconds", sa.Double(), nullable=True))


def downgrade() -> None:
    for column in ("seconds", "asked_by", "door"):
        op.drop_column(_TABLE, column)
