"""SQL statements that move staged records to their tables; `bulk_writes` runs them."""

STAGED_COLUMNS = (
    "row_number, source, record_id, id, is_content, hash, quarantine_id, doc, field, value, reason"
)

# Refused records have null in `source`, `record_id`, `id` and `is_content`, and what arrived in `doc`. Those
# that are refused only here have all of them, and their normal form in `doc`.
CREATE = """
create temporary table if not exists staged_records (
    row_number bigint not null, source text, record_id text, id text, is_content boolean, hash text not null,
    quarantine_id bigint, doc jsonb not null, field text, value text, reason text,
    is_repetition boolean not null default false
) on commit delete rows;
create temporary table if not exists staged_repeats (
    row_number bigint not null, occurrence bigint not null, is_different boolean not null,
    first_row bigint not null
) on commit delete rows;
create temporary table if not exists staged_names (
    row_number bigint not null, record_id text not null, id text not null
) on commit delete rows;
"""

# Rows that a later one of the same attempt replaces, in this file or stored before; of equal times in a file
# the later row counts.
SUPERSEDE = (
    """
update staged_records as s set is_repetition = true
from (
    select row_number, row_number() over (
        partition by id collate "C"
        order by (doc->>'occurred_at')::timestamptz desc, row_number desc) as place
    from staged_records where reason is null and not is_content
) as ranked
where s.row_number = ranked.row_number and ranked.place > 1
""",
    """
update staged_records as s set is_repetition = true
from packaging_outcomes as p
where s.reason is null and not s.is_content and not s.is_repetition and p.id = s.id
    and p.occurred_at > (s.doc->>'occurred_at')::timestamptz
""",
)

# The same where a mapping says nothing of it, among rows whose ids repeat with other content: rows of another
# application, or of the same time, are no later state of one attempt, but a wrong id.
SUPERSEDE_REPEATS = """
update staged_records as s set is_repetition = true
from (
    select row_number, (doc->>'occurred_at')::timestamptz < max((doc->>'occurred_at')::timestamptz)
        over (partition by id collate "C", doc->>'application_name') as is_older
    from staged_records
    where reason is null and not is_content and id in (
        select t.id from staged_records as t join staged_repeats as r using (row_number) where r.is_different)
) as compared
where s.row_number = compared.row_number and compared.is_older
"""
FORGET_REPEATS = "delete from staged_repeats"

# Accepted rows that are not written, since what is stored is a later state of the attempt.
COUNT_OLDER = """
select count(*) from staged_records as s join packaging_outcomes as p on p.id = s.id
where s.reason is null and not s.is_repetition and p.content_hash <> s.hash
"""

# Rows that share an id: the second and later ones, each with the first row of that id.
FIND_REPEATS = """
insert into staged_repeats
select row_number, occurrence, hash <> first_hash, first_row
from (
    select row_number, hash, row_number() over w as occurrence,
        first_value(hash) over w as first_hash, first_value(row_number) over w as first_row
    from staged_records where reason is null and not is_repetition
    window w as (partition by id collate "C" order by row_number)
) as numbered
where occurrence > 1
"""

REFUSE_CONTRADICTIONS = """
update staged_records as s
set field = 'source_record_id', value = s.record_id,
    reason = 'source_record_id ' || s.record_id || ' is also in row ' || r.first_row
        || ' with other content; give each record an id of its own, or remove the row that is wrong',
    hash = md5(s.id || s.hash),
    doc = s.doc || jsonb_build_object('source', s.source, 'source_record_id', s.record_id)
from staged_repeats as r
where s.row_number = r.row_number and r.is_different
"""

MARK_REPETITIONS = """
update staged_records as s set is_repetition = true
from staged_repeats as r
where s.row_number = r.row_number and s.reason is null and not s.is_content
"""

REFUSE_OVERWRITES = {
    table: f"""
update staged_records as s
set field = 'source_record_id', value = s.record_id,
    reason = 'another record with the source_record_id ' || s.record_id || ' was stored since; '
        || 'if this one is right, export it and ingest it again'
from {table} as stored
where s.reason is null and not s.is_repetition
    and stored.source = s.source and stored.source_record_id = s.record_id and stored.content_hash <> s.hash
"""  # noqa: S608 - the two names below
    for table in ("packaging_outcomes", "members")
}

WRITE = {
    "outcomes": """
with written as (
    insert into packaging_outcomes as stored (
        id, task_id, application_name, application_version, application_vendor, application_type,
        installer_type, context, approach_details, outcome_status, success_factors, failure_reasons,
        manual_interventions, performance_metrics, feedback, recommendation_id, recommendation_followed,
        occurred_at, source, source_record_id, content_hash, ingest_id, created_at, updated_at)
    select
        s.id, coalesce(doc->>'task_id', s.record_id), doc->>'application_name', doc->>'application_version',
        doc->>'application_vendor', doc->>'application_type', doc->>'installer_type',
        coalesce(doc->'context', '{}'), doc->'approach_details', doc->>'outcome_status',
        doc->'success_factors', doc->'failure_reasons', doc->'manual_interventions',
        doc->'performance_metrics', doc->'feedback', doc->>'recommendation_id',
        (doc->>'recommendation_followed')::boolean, (doc->>'occurred_at')::timestamptz,
        s.source, s.record_id, s.hash, :ingest_id, statement_timestamp(), statement_timestamp()
    from staged_records as s
    where s.reason is null and not s.is_repetition and not exists (
        select from packaging_outcomes as p where p.id = s.id and p.content_hash = s.hash)
    order by s.id collate "C"
    on conflict (id) do update set
        task_id = excluded.task_id, application_name = excluded.application_name,
        application_version = excluded.application_version, application_vendor = excluded.application_vendor,
        application_type = excluded.application_type, installer_type = excluded.installer_type,
        context = excluded.context, approach_details = excluded.approach_details,
        outcome_status = excluded.outcome_status, success_factors = excluded.success_factors,
        failure_reasons = excluded.failure_reasons, manual_interventions = excluded.manual_interventions,
        performance_metrics = excluded.performance_metrics, feedback = excluded.feedback,
        recommendation_id = excluded.recommendation_id,
        recommendation_followed = excluded.recommendation_followed, occurred_at = excluded.occurred_at,
        content_hash = excluded.content_hash, ingest_id = excluded.ingest_id, updated_at = excluded.updated_at
    where stored.content_hash <> excluded.content_hash and (
        not :keeps_later or excluded.occurred_at >= stored.occurred_at
        or excluded.application_name <> stored.application_name)
    returning (xmax = 0) as is_new
)
select count(*) filter (where is_new), count(*) filter (where not is_new) from written
""",
    "members": """
with written as (
    insert into members as stored (
        name, skills, interests, other_sets, attributes, profile_text, is_visible, source, source_record_id,
        content_hash, ingest_id, created_at, updated_at)
    select
        doc->>'name',
        array(select jsonb_array_elements_text(doc->'skills')),
        array(select jsonb_array_elements_text(doc->'interests')),
        coalesce(doc->'other_sets', '{}'), coalesce(doc->'attributes', '{}'), doc->>'profile_text',
        coalesce((doc->>'is_visible')::boolean, true), s.source, s.record_id, s.hash, :ingest_id,
        statement_timestamp(), statement_timestamp()
    from staged_records as s
    where s.reason is null and not s.is_repetition and not exists (
        select from members as m
        where m.source = s.source and m.source_record_id = s.record_id and m.content_hash = s.hash)
    order by s.source collate "C", s.record_id collate "C"
    on conflict (source, source_record_id) do update set
        name = excluded.name, skills = excluded.skills, interests = excluded.interests,
        other_sets = excluded.other_sets, attributes = excluded.attributes,
        profile_text = excluded.profile_text, is_visible = excluded.is_visible,
        content_hash = excluded.content_hash, ingest_id = excluded.ingest_id, updated_at = excluded.updated_at
    where stored.content_hash <> excluded.content_hash
    returning (xmax = 0) as is_new
)
select count(*) filter (where is_new), count(*) filter (where not is_new) from written
""",
}

# A record from quarantine that was tried again and refused again unchanged: only the reason is new.
REFUSED_AGAIN = """
update quarantined_records as q
set field = s.field, value = s.value, reason = s.reason, resolved_at = null
from staged_records as s
where s.reason is not null and s.quarantine_id = q.id and q.kind = :kind
    and (s.is_content is not null or split_part(q.record_hash, ':', 1) = s.hash)
    and q.mapping_name = :mapping_name
"""

# Refused records that are not in quarantine under the id that they name; equal ones are numbered.
_REFUSED = """refused as (
    select s.*, row_number() over (partition by s.hash order by s.row_number) as occurrence
    from staged_records as s
    where s.reason is not null and not exists (
        select from quarantined_records as q where q.id = s.quarantine_id and q.kind = :kind
            and (s.is_content is not null or split_part(q.record_hash, ':', 1) = s.hash))
)"""

WRITE_QUARANTINE = f"""
with {_REFUSED}, written as (
    insert into quarantined_records as q (
        kind, ingest_id, file_name, mapping_name, row_number, field, value, reason, record, record_hash)
    select :kind, :ingest_id, :file_name,
        case when is_content is null then :mapping_name else :own_format end,
        row_number, field, value, reason, doc, hash || ':' || occurrence
    from refused
    order by row_number
    on conflict (record_hash) do update set
        field = excluded.field, value = excluded.value, reason = excluded.reason, resolved_at = null
    returning (xmax = 0) as is_new
)
select count(*) filter (where is_new) from written
"""  # noqa: S608 - constant

# What became of each staged record, once all are written. An update keeps the time of creation.
RESULTS = {
    kind: f"""
with {_REFUSED}
select s.row_number, s.field, s.value, s.reason, t.id::text as id,
    case
        when s.reason is not null then 'quarantined'
        when s.is_repetition or t.ingest_id <> :ingest_id then 'unchanged'
        when t.created_at = t.updated_at then 'stored'
        else 'changed'
    end as status,
    case
        when s.reason is null then null
        when r.row_number is null then s.quarantine_id
        else (select q.id from quarantined_records as q where q.record_hash = r.hash || ':' || r.occurrence)
    end as quarantine_id
from staged_records as s
left join refused as r using (row_number)
left join {table} as t on s.reason is null and t.source = s.source and t.source_record_id = s.record_id
order by s.row_number
"""  # noqa: S608 - the two names below
    for kind, table in (("outcomes", "packaging_outcomes"), ("members", "members"))
}

# Accepted, skipped by the mapping, or refused in a corrected form that is in quarantine by itself now.
RESOLVE = """
update quarantined_records as q set resolved_at = statement_timestamp()
from (
    select quarantine_id, reason, is_content, hash from staged_records where quarantine_id is not null
    union all
    select unnest(cast(:skipped_ids as bigint[])), null, null, null
) as s
where s.quarantine_id = q.id and q.kind = :kind and q.resolved_at is null
    and (s.reason is null or s.is_content is null and split_part(q.record_hash, ':', 1) <> s.hash)
"""

WRITE_INGEST = """
insert into ingests (id, kind, file_name, mapping_name, rows_read, rows_new, rows_changed, rows_unchanged,
    rows_quarantined, started_at, finished_at)
values (:ingest_id, :kind, :file_name, :mapping_name, :read, :new, :changed, :unchanged, :quarantined,
    :started_at, clock_timestamp())
"""
