"""questions worth asking members, and which labels were read as one.

Revision: 0004, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "question_prompts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("pattern_name", sa.String(length=255), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("found_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question_prompts")),
        sa.UniqueConstraint(
            "pattern_name", "question", name=op.f("uq_question_prompts_pattern_name_question")
        ),
    )
    op.create_index(op.f("ix_question_prompts_category"), "question_prompts", ["category"], unique=False)
    op.create_table(
        "label_merges",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("raw_label", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("similarity", sa.Double(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_merges")),
    )
    op.create_index(op.f("ix_label_merges_field"), "label_merges", ["field"], unique=False)
    op.create_index(op.f("ix_label_merges_why"), "label_merges", ["why"], unique=False)


def downgrade() -> None:
    op.drop_table("label_merges")
    op.drop_table("question_prompts")
