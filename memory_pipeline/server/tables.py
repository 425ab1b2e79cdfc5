"""How a table is answered: checked, paged, cut to the wanted fields, in the wanted format, with its tag."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import pandas as pd
from fastapi import Query
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from memory_pipeline.server.caching import cache_headers, entity_tag, not_modified
from memory_pipeline.server.formats import FORMATS, choose_format, to_csv, to_parquet
from memory_pipeline.server.pages import Page, page_of
from memory_pipeline.server.problems import FieldError, ProblemError, unknown_value
from memory_pipeline.service.outcomes import UnknownValue
from memory_pipeline.service.records import to_json, to_records

MOST_ROWS = 500
_FORM = {"limit", "cursor", "fields", "detail", "format"}
"""Parameters that change how much of a list is sent and how, not what is in it."""


@dataclass(frozen=True)
class Table:
    """How the rows of a table are answered.

    Attributes
    ----------
    row
        Model of a row; its fields are the columns.
    brief
        Columns of `detail=brief`.
    key
        Order key of a row, as `pages.page_of`; None: by position, in a table that only rebuilds replace.
    """

    row: type[BaseModel]
    brief: tuple[str, ...]
    key: Callable[[Mapping[str, Any]], tuple[Any, ...]] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns, those of the row itself before what all findings share."""
        own = [name for name in self.row.model_fields if name in self.row.__annotations__]
        return tuple(dict.fromkeys([*own, *self.row.model_fields]))


class PageQuery:
    """Which part of a list is wanted, and in which form."""

    def __init__(
        self,
        *,
        request: Request,
        limit: Annotated[int, Query(ge=1, le=MOST_ROWS, description="Most rows of the page.")] = 50,
        cursor: Annotated[
            str | None,
            Query(
                max_length=2_000,
                description="`next_cursor` of the page before, with the same filters and order.",
            ),
        ] = None,
        fields: Annotated[
            str | None,
            Query(
                max_length=2_000,
                description="Columns that are wanted, with commas between; all where left out.",
            ),
        ] = None,
        detail: Annotated[
            Literal["brief", "full"], Query(description="`brief`: the few columns that tell what a row is.")
        ] = "full",
        format: Annotated[  # noqa: A002 - the parameter's public name
            Literal["json", "csv", "parquet"] | None,
            Query(description="Form of the answer; it wins over the `Accept` header."),
        ] = None,
    ) -> None:
        self.request = request
        self.limit = limit
        self.cursor = cursor
        self.fields = fields
        self.detail = detail
        self.format = choose_format(request.headers.get("accept"), format)

    @property
    def scope(self) -> str:
        """What is listed: the address with everything that decides which rows there are, in which order."""
        asked = sorted(
            (name, value) for name, value in self.request.query_params.multi_items() if name not in _FORM
        )
        return f"{self.request.url.path}?{urlencode(asked)}"

    def columns(self, table: Table) -> tuple[str, ...]:
        """Return the columns that are wanted, in the table's order.

        Raises
        ------
        ProblemError
            When the table does not have one of them.
        """
        if self.fields is None:
            return table.brief if self.detail == "brief" else table.columns
        wanted = [one.strip() for one in self.fields.split(",") if one.strip()]
        unknown = [one for one in wanted if one not in table.columns]
        if unknown or not wanted:
            error = unknown_value("query.fields", (unknown or [""])[0], table.columns)
            raise ProblemError(422, f"query.fields: {error.remedy}", (error,))
        return tuple(one for one in table.columns if one in wanted)

    def tag(self, version: str) -> str:
        """Return the entity tag of the answer."""
        return entity_tag(self.request, version, self.format)


def answer_table(
    query: PageQuery,
    table: Table,
    version: str,
    load: Callable[[], pd.DataFrame],
    *,
    explain: Callable[[], Sequence[UnknownValue]] | None = None,
) -> Response:
    """Answer with a page of a table that is read whole.

    Parameters
    ----------
    query
        The part that is wanted.
    table
        What the rows are.
    version
        What the memory holds of it, as `Memory.version`.
    load
        Reads the rows, in the order of the table's key.
    explain
        Reads which values of the filters are not known; with it, `notes` stand beside the items.
    """
    columns = query.columns(table)
    tag = query.tag(version)
    if (answer := not_modified(query.request, tag)) is not None:
        return answer
    rows = to_records(load())
    scope, key = query.scope, table.key
    if key is None:
        scope = f"{scope}\n{version}"
        rows = [{**row, "_position": position} for position, row in enumerate(rows)]
        key = _position
    page = page_of(rows, key, scope=scope, cursor=query.cursor, limit=query.limit)
    more = None if explain is None else {"notes": notes_on(explain())}
    return send_page(query, table, columns, page, tag=tag, more=more)


def notes_on(unknown: Sequence[UnknownValue]) -> list[dict[str, Any]]:
    """Return values of filters that are not known as notes, with the nearest that are."""
    return [vars(unknown_value(f"query.{one.name}", one.value or one.name, one.known)) for one in unknown]


def send_page(
    query: PageQuery,
    table: Table,
    columns: Sequence[str],
    page: Page,
    *,
    tag: str,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """Write a page in the wanted format, with its tag and the address of the next one.

    Parameters
    ----------
    query, table, columns
        What is wanted of which rows.
    page
        The rows.
    tag
        The entity tag.
    more
        What stands beside the items in JSON.
    """
    headers = cache_headers(tag) | {"X-Total-Count": str(page.total)}
    if page.next_cursor is not None:
        rest = [pair for pair in query.request.query_params.multi_items() if pair[0] != "cursor"]
        following = urlencode([*rest, ("cursor", page.next_cursor)])
        headers["Link"] = f'<{query.request.url.path}?{following}>; rel="next"'
    rows = [{name: row.get(name) for name in columns} for row in page.items]
    media = FORMATS[query.format]
    if query.format == "csv":
        return Response(to_csv(rows, columns), media_type=media, headers=headers)
    if query.format == "parquet":
        return Response(to_parquet(rows, columns, table.row), media_type=media, headers=headers)
    body = {"items": rows, "next_cursor": page.next_cursor, "total": page.total, **(more or {})}
    return Response(to_json(body, indent=None), media_type=media, headers=headers)


def answer_document(request: Request, version: str, load: Callable[[], Any]) -> Response:
    """Answer with one JSON document, with its tag.

    Parameters
    ----------
    request
        What was asked.
    version
        What the memory holds of it, as `Memory.version`.
    load
        Reads the document.
    """
    tag = entity_tag(request, version, "json")
    if (answer := not_modified(request, tag)) is not None:
        return answer
    return Response(to_json(load(), indent=None), media_type="application/json", headers=cache_headers(tag))


def check_parameters(request: Request) -> None:
    """Refuse query parameters that the route does not know, repeated ones, and texts that cannot be stored.

    Raises
    ------
    ProblemError
        With the nearest parameter that there is: a filter with a slip must not be left out silently.
    """
    known = _known_parameters(request)
    errors = []
    names = [name for name, _ in request.query_params.multi_items()]
    for name, value in request.query_params.multi_items():
        prefix = name.partition(".")[0] + "."
        is_open = prefix in known and name != prefix
        if name not in known and not is_open:
            errors.append(unknown_value(f"query.{name}"[:200], name, known))
        elif names.count(name) > 1:
            errors.append(FieldError(f"query.{name}", value[:200], "send it once"))
    texts = [
        *(text for pair in request.query_params.multi_items() for text in pair),
        *request.path_params.values(),
    ]
    if any("\0" in str(text) for text in texts):
        errors.append(FieldError("query", None, "send text without NUL characters"))
    if errors:
        named = "; ".join(f"{one.field}: {one.remedy}" for one in errors[:3])
        raise ProblemError(422, f"the request cannot be used: {named}", tuple(errors))


def _known_parameters(request: Request) -> set[str]:
    """Return the query parameters of the route; a name that ends with a dot takes any key after it."""
    route = request.scope["route"]
    known = {field.alias for one in _with_all_below(route.dependant) for field in one.query_params}
    return known | set((route.openapi_extra or {}).get("x-open-parameters", ()))


def _with_all_below(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for one in dependant.dependencies:
        yield from _with_all_below(one)


def _position(row: Mapping[str, Any]) -> tuple[int]:
    return (row["_position"],)
