"""Members: their labels in one vocabulary, what goes together, the patterns, and the questions to ask."""

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of
from memory_pipeline.pipeline.metadata import lineage, markdown_table, preview
from memory_pipeline.rebuild.rows import records

_LABELS = dg.TableSchema(
    columns=[
        dg.TableColumn("member_id", "int64", description="The member."),
        dg.TableColumn("field", "str", description="Which set the label is from: skills, interests, ..."),
        dg.TableColumn("label", "str", description="The label, as the vocabulary or most members write it."),
        dg.TableColumn("stratum", "int64", description="Group of members who were asked alike."),
    ]
)


@memory_asset(group="features", kinds={"parquet", "pandas"}, schema=_LABELS, code_version="2")
def member_features(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Which visible member carries which label, in one vocabulary.

    **What it is for.** Patterns among members start from here. Members who do not want to be found are
    left out; React, ReactJS and React.js are one label, and so is the same answer in two languages. What
    was merged, and why, is in the table `label_merges` (`memory-pipeline show labels`); what is wrong is
    corrected in `data_contracts/vocabulary.yaml`.

    **How to read it.** One row per member, field and label. The preview counts; it names nobody, and no
    label of fewer members than MEMORY_MIN_GROUP_SIZE.
    """
    import pandas as pd  # noqa: PLC0415

    from memory_pipeline.rebuild.members import SETS, update_member_features  # noqa: PLC0415 - needs scipy

    memory = memory_of(context)
    updated = update_member_features(memory)
    labels = updated.labels
    counts = pd.DataFrame({"field": labels.fields, "label": labels.names, "members": labels.counts})
    counts = counts[counts["members"] >= memory.settings.min_group_size]
    counts = counts.sort_values(["members", "label"], ascending=[False, True])
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": updated.rows,
            "dagster/column_lineage": lineage(
                {
                    "member_id": [("members", "id")],
                    "field": [("members", field) for field in SETS],
                    "label": [("members", field) for field in SETS],
                    "stratum": [("members", "attributes"), ("members", "source")],
                }
            ),
            "members with labels": int(updated.frame["member_id"].nunique()),
            "visible members": labels.member_count,
            "members stored": updated.members_stored,
            "labels": len(labels.names),
            "vocabulary version": labels.vocabulary.version,
            "labels changed": len(labels.merges),
            "most frequent labels": preview(counts),
        }
    )


@memory_asset(group="features", kinds={"postgres", "scikitlearn"})
def label_merges(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Which labels of members were read as another, and which look alike and wait for a person.

    **What it is for.** Merging labels decides what patterns can be found, so that it can be checked here
    and corrected in `data_contracts/vocabulary.yaml`. Members keep what they wrote: a line taken out of the
    file undoes its merge with the next rebuild.

    **How to read it.** `raw_label` was written by `members`, and read as `label`: for its spelling, by the
    vocabulary, because the words are the same, or because it was a list or broken at a comma. `looks alike`
    was not merged; `similarity` says how much the two look alike.
    """
    from memory_pipeline.rebuild.members import update_label_merges  # noqa: PLC0415 - needs scipy

    memory = memory_of(context)
    merges = update_label_merges(memory).merges
    reasons = merges.groupby("why").agg(labels=("raw_label", "size"), members=("members", "sum"))
    shown = merges[merges["members"] >= memory.settings.min_group_size]
    shown = shown.sort_values("members", ascending=False)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(merges),
            "reasons": dg.MetadataValue.md(markdown_table(records(reasons.reset_index()))),
            "preview": preview(shown, ["field", "raw_label", "label", "why", "members"]),
        }
    )


@memory_asset(group="members", kinds={"parquet", "pandas"})
def member_candidates(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Every two labels that enough members carry, tested against chance.

    **What it is for.** All patterns among members are made of these pairs; here is also what did not
    become one. Chance is members shuffled so that everybody keeps the number of labels per field, and each
    label its frequency.

    **How to read it.** `members` carry both labels, `expected` would by chance, `lift` is their ratio, and
    `q_value` the false discovery rate at which the pair would be a finding.
    """
    from memory_pipeline.rebuild.members import update_member_candidates  # noqa: PLC0415 - needs scipy

    memory = memory_of(context)
    candidates = update_member_candidates(memory).candidates
    found = candidates[candidates["q_value"] <= memory.settings.false_discovery_rate]
    shown = found[found["members"] >= memory.settings.min_group_size]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(candidates),
            "pairs beyond chance": len(found),
            "preview": preview(shown.sort_values("lift", ascending=False)),
        }
    )


@memory_asset(
    group="members",
    kinds={"postgres", "python"},
    code_version="2",
)
def member_patterns(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Patterns among members beyond chance, and who complements whom, with questions worth asking.

    **What it is for.** Skill clusters, interest themes, strengths, links across fields and collaborations:
    whom to bring together, what to ask. The false discovery rate is controlled over everything that was
    tried, and variants of one pattern are one pattern.

    **How to read it.** `member_count` are the members for whom the predicate in `evidence` holds, `expected`
    those that chance alone would give, `lift` their ratio. `absorbed` names the variants that it stands for,
    `pairs` members worth introducing to each other. Patterns not found again become inactive.
    """
    from memory_pipeline.rebuild.members import update_member_patterns  # noqa: PLC0415 - needs scipy

    updated = update_member_patterns(memory_of(context))
    patterns = updated.patterns
    by_category = patterns["category"].value_counts().rename_axis("category").reset_index(name="patterns")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": updated.rows,
            "by category": dg.MetadataValue.md(markdown_table(records(by_category))),
            "preview": preview(patterns, ["name", "category", "member_count", "description"]),
            "verified claims that changed": updated.rechecked,
        }
    )


@memory_asset(group="members", kinds={"postgres", "python"})
def question_prompts(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Questions worth asking members: each with the pattern behind it, whom to ask, and why.

    **What it is for.** Source material for surveys, meetings and newsletters. The questions come from the
    active patterns, whoever found them.

    **How to read it.** One row per question. `audience` says whom to ask, `why` what the answers are good
    for; `found_by` who found the pattern.
    """
    from memory_pipeline.rebuild.members import update_questions  # noqa: PLC0415 - needs scipy

    updated = update_questions(memory_of(context))
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": updated.rows,
            "preview": preview(updated.questions, ["question", "audience", "why", "pattern_name"]),
        }
    )
