"""Members: their labels as rows, and the patterns among them."""

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of
from memory_pipeline.pipeline.describe import lineage, markdown_table, preview, records

_LABELS = dg.TableSchema(
    columns=[
        dg.TableColumn("member_id", "int64", description="The member."),
        dg.TableColumn("field", "str", description="Which set the label is from: skills, interests, ..."),
        dg.TableColumn("label", "str", description="The label, in its most frequent spelling."),
    ]
)
_FIELDS = ("skills", "interests", "other_sets")


@memory_asset(group="features", kinds={"parquet", "pandas"}, deps=("members",), schema=_LABELS)
def member_features(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Which visible member carries which label, spellings merged.

    **What it is for.** Patterns among members start from here. Members who do not want to be found are
    left out; React, ReactJS and React.js are one label.

    **How to read it.** One row per member, field and label. The preview counts; it names nobody.
    """
    from memory_pipeline.analysis.members import member_labels  # noqa: PLC0415
    from memory_pipeline.pipeline.reading import read_columns  # noqa: PLC0415 - needs SQLAlchemy

    memory = memory_of(context)
    stored = read_columns(memory.store, "members", ["id", "is_visible", *_FIELDS])
    labels = member_labels(stored).astype({"field": "str", "label": "str"})
    memory.frames.write("member_features", labels)
    counts = labels.value_counts(["field", "label"]).rename("members").reset_index()
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(labels),
            "dagster/column_lineage": lineage(
                {
                    "member_id": [("members", "id")],
                    "field": [("members", field) for field in _FIELDS],
                    "label": [("members", field) for field in _FIELDS],
                }
            ),
            "members with labels": int(labels["member_id"].nunique()),
            "members stored": len(stored),
            "labels": len(counts),
            "most frequent labels": preview(counts),
        }
    )


@memory_asset(group="members", kinds={"postgres", "python"}, deps=("member_features",))
def member_patterns(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Labels that members carry together beyond chance, with questions worth asking.

    **What it is for.** Skill clusters, interest themes and links across fields: whom to bring together,
    what to ask. Every pattern is tested against independence, with the false discovery rate controlled
    over all sets that were tried.

    **How to read it.** `member_count` are the members who carry all labels; `evidence` says how many chance
    alone would give, and how many times more there are. Patterns that were not found again become inactive.
    """
    import pandas as pd  # noqa: PLC0415

    from memory_pipeline.analysis.members import find_member_patterns  # noqa: PLC0415
    from memory_pipeline.memory import Memory  # noqa: PLC0415
    from memory_pipeline.store.findings import save_member_patterns  # noqa: PLC0415

    memory = memory_of(context)
    labels, _ = memory.frames.read("member_features")
    patterns = find_member_patterns(labels)
    save_member_patterns(memory.store, patterns)
    rechecked = Memory(memory.settings, memory.store).check_claims()
    by_category = patterns["category"].value_counts().rename_axis("category").reset_index(name="patterns")
    shown = pd.DataFrame(patterns[["name", "category", "member_count", "description"]])
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(patterns),
            "by category": dg.MetadataValue.md(markdown_table(records(by_category))),
            "preview": preview(shown),
            "verified claims that changed": rechecked,
        }
    )
