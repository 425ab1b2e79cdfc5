"""Alerts: what needs attention, who knows of it, what is watched, and what ran."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from memory_pipeline.analysis.alerts.metrics import Direction, Metric
from memory_pipeline.server.dependencies import Admin, Decider, OpenedMemory, Reader
from memory_pipeline.server.documentation import NOT_FOUND
from memory_pipeline.server.id_pages import Cursor, IdPage, Limit, page_of, read_cursor
from memory_pipeline.server.pages import bad_cursor

router = APIRouter(prefix="/api/memory", tags=["alerts"])
AlertId = Annotated[int, Path(ge=1, le=2**63 - 1)]
RuleName = Annotated[str, Path(pattern="^[a-z0-9][a-z0-9_-]{0,99}$")]


class Alert(BaseModel):
    """Something that a rule noticed."""

    id: int
    rule_name: str
    subject: str = Field(description="What it is about; empty: the memory as a whole.")
    message: str
    details: dict[str, Any]
    opened_at: datetime
    seen_at: datetime = Field(description="When it was noticed last.")
    closed_at: datetime | None = Field(description="When it was no longer so; null while it is open.")
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    silenced_until: datetime | None


class Silence(BaseModel):
    """How long nothing is sent."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"days": 7}]})

    days: float = Field(ge=0, le=3650, description="0 ends a silence.")


class RuleChange(BaseModel):
    """What of a rule is to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"threshold": 3}]})

    metric: Metric | None = Field(None, description="What is watched.")
    direction: Direction | None = Field(None, description="What of it is an alert.")
    segment_column: str | None = Field(
        None, max_length=200, description="Watch each value of this column; null: all attempts."
    )
    segment_value: str | None = Field(
        None, max_length=500, description="Watch this value of the column; null: each."
    )
    threshold: float | None = Field(
        None, ge=0, le=1e12, description="How far it must go; 0.05 of success is five points."
    )
    error_rate: float | None = Field(
        None, gt=0, lt=1, description="Expected false alarms in a year; only where chance moves the metric."
    )
    enabled: bool | None = Field(None, description="Whether it is evaluated.")


class Rule(BaseModel):
    """One thing that is watched."""

    name: str
    metric: str
    direction: str
    segment_column: str | None
    segment_value: str | None
    threshold: float
    error_rate: float | None
    enabled: bool
    updated_at: datetime
    updated_by: str | None
    evaluated_at: datetime | None
    problem: str | None = Field(description="Why it could not be evaluated.")


class Evaluated(BaseModel):
    """What an evaluation of the rules did."""

    rules: int = Field(ge=0)
    opened: int = Field(ge=0, description="New alerts.")
    still_open: dict[str, int] = Field(description="Open alerts by rule.")
    problems: dict[str, str] = Field(description="Why rules could not be evaluated, by name.")


class AnalysisRun(BaseModel):
    """One rebuild that ended, whichever way it ran."""

    id: str
    kind: str
    trigger: str = Field(description="Who or what asked for it.")
    state: Literal["succeeded", "failed"]
    began_at: datetime
    ended_at: datetime
    versions: dict[str, Any]
    steps: list[dict[str, Any]] = Field(description="Each with its state, seconds and rows.")
    changes: dict[str, Any] = Field(description="New and retired patterns, changes of advice.")
    warnings: list[str]
    violations: list[dict[str, Any]] = Field(description="Critical rules of contracts that do not hold.")
    error: str | None


@router.get("/alerts", response_model=IdPage[Alert])
def list_alerts(
    memory: OpenedMemory,
    _: Reader,
    state: Annotated[Literal["open", "closed", "all"], Query(description="Which alerts.")] = "open",
    rule: Annotated[str | None, Query(max_length=100, description="Only those of this rule.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Any:
    """List alerts, the newest first."""
    key = read_cursor(cursor, int)
    before = None if key is None else key[0]
    rows, total = memory.alerts(state=state, rule_name=rule, limit=limit + 1, before=before)
    return page_of(rows, total, limit, "id")


@router.post("/alerts/evaluate", response_model=Evaluated)
def evaluate(memory: OpenedMemory, _: Decider) -> Any:
    """Evaluate the rules now and send what is new; a rebuild does so when it ends."""
    done = memory.evaluate_alerts()
    return {name: getattr(done, name) for name in Evaluated.model_fields}


@router.post("/alerts/{identity}/acknowledge", response_model=Alert, responses=NOT_FOUND)
def acknowledge(identity: AlertId, memory: OpenedMemory, who: Decider) -> Any:
    """Record that somebody knows of an alert: nothing more is sent about it."""
    return memory.acknowledge_alert(identity, by=who.name)


@router.post("/alerts/{identity}/silence", response_model=Alert, responses=NOT_FOUND)
def silence(identity: AlertId, sent: Silence, memory: OpenedMemory, _: Decider) -> Any:
    """Send nothing about an alert, and what follows about the same subject, for some days."""
    return memory.silence_alert(identity, sent.days)


@router.get("/alerts/rules", response_model=list[Rule])
def list_rules(memory: OpenedMemory, _: Reader) -> Any:
    """List what is watched, and from where on it is an alert."""
    return memory.alert_rules()


@router.put("/alerts/rules/{name}", response_model=Rule)
def save_rule(name: RuleName, sent: RuleChange, memory: OpenedMemory, who: Admin, request: Request) -> Any:
    """Change a rule, or add one."""
    changes = sent.model_dump(exclude_unset=True)
    for required in ("metric", "direction", "threshold", "enabled"):
        if changes.get(required, "") is None:
            del changes[required]
    request.state.audit_details = {"rule": name, **changes}
    return memory.save_alert_rule(name, changes, by=who.name)


@router.delete("/alerts/rules/{name}", status_code=204, responses=NOT_FOUND)
def remove_rule(name: RuleName, memory: OpenedMemory, _: Admin) -> Response:
    """Remove a rule and close its alerts; the shipped rules are there again when none is left."""
    memory.remove_alert_rule(name)
    return Response(status_code=204)


@router.get("/analysis-runs", response_model=IdPage[AnalysisRun])
def list_runs(memory: OpenedMemory, _: Reader, limit: Limit = 20, cursor: Cursor = None) -> Any:
    """List the rebuilds that ended, the newest first: why, by which version, how long each step took."""
    key = read_cursor(cursor, str, str)
    before = None
    if key is not None:
        try:
            before = (datetime.fromisoformat(key[0]), key[1])
        except ValueError:
            raise bad_cursor(cursor or "") from None
    rows, total = memory.analysis_runs(limit=limit + 1, before=before)
    return page_of(rows, total, limit, "ended_at", "id")
