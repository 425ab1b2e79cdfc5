"""Alerts: what needs attention, who knows of it, what is watched, and what ran."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from memory_pipeline.analysis.alerts.metrics import ALERT_METRICS
from memory_pipeline.server.api.alerts import AlertId, RuleName
from memory_pipeline.server.dashboard.forms import SentForm, see
from memory_pipeline.server.dashboard.lists import ROWS, chosen
from memory_pipeline.server.dashboard.pages.admin import row_id
from memory_pipeline.server.dashboard.rendering import render
from memory_pipeline.server.dependencies import Admin, Decider, OpenedMemory, Reader
from memory_pipeline.store.alerts import STATES

if TYPE_CHECKING:
    from typing import Any

router = APIRouter(prefix="/alerts")
_SILENCES = ((1, "a day"), (7, "a week"), (30, "a month"))
_NUMBERS = ("threshold", "error_rate")
_TEXTS = ("metric", "direction", "segment_column", "segment_value")


@router.get("")
def alerts(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Show the alerts of a state, the newest first, and whether they can be sent."""
    asked = chosen(request, "state", "rule", "before")
    state = asked["state"] if asked["state"] in STATES else "open"
    rows, total = memory.alerts(
        state=state, rule_name=asked["rule"], limit=ROWS + 1, before=row_id(asked["before"])
    )
    return render(
        request,
        "alerts.html",
        rows=rows[:ROWS],
        total=total,
        following=rows[ROWS - 1]["id"] if len(rows) > ROWS else None,
        state=state,
        states=STATES,
        rules=[one["name"] for one in memory.alert_rules()],
        sending=memory.alert_sending(),
        silences=_SILENCES,
    )


@router.post("/evaluate")
def evaluate(memory: OpenedMemory, _who: Decider, _: SentForm) -> Response:
    """Evaluate the rules now, and send what is new."""
    done = memory.evaluate_alerts()
    said = f"{done.rules} rules were evaluated: {done.opened} new alerts."
    return see(f"/alerts?{urlencode({'done': said})}")


@router.get("/rules")
def rules(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Show what is watched, with a form for each rule."""
    return _rules(request, memory)


@router.post("/rules/{name}")
def save_rule(request: Request, memory: OpenedMemory, who: Admin, sent: SentForm, name: RuleName) -> Response:
    """Change a rule."""
    return _save(request, memory, name, sent, who.name)


@router.post("/rules")
def add_rule(request: Request, memory: OpenedMemory, who: Admin, sent: SentForm) -> Response:
    """Add a rule."""
    return _save(request, memory, sent.get("name", "").strip(), sent, who.name)


@router.post("/rules/{name}/remove")
def remove_rule(memory: OpenedMemory, _who: Admin, _: SentForm, name: RuleName) -> Response:
    """Remove a rule and close its alerts."""
    memory.remove_alert_rule(name)
    return see(f"/alerts/rules?{urlencode({'done': f'The rule {name} is removed.'})}")


@router.post("/{identity}/acknowledge")
def acknowledge(memory: OpenedMemory, who: Decider, _: SentForm, identity: AlertId) -> Response:
    """Record that somebody knows of an alert."""
    memory.acknowledge_alert(identity, by=who.name)
    return see(f"/alerts?{urlencode({'done': 'Nothing more is sent about this alert.'})}")


@router.post("/{identity}/silence")
def silence(memory: OpenedMemory, _who: Decider, sent: SentForm, identity: AlertId) -> Response:
    """Send nothing about an alert for some days, or end that."""
    row = memory.silence_alert(identity, float(sent.get("days") or 0))
    until = row["silenced_until"]
    said = "The silence is over." if until is None else f"It is silent until {until:%Y-%m-%d %H:%M} UTC."
    return see(f"/alerts?{urlencode({'done': said})}")


def _save(request: Request, memory: OpenedMemory, name: str, sent: dict[str, str], by: str) -> Response:
    """Save what a form holds; where it cannot be used, show the rules with the reason."""
    changes: dict[str, Any] = {one: sent[one].strip() or None for one in _TEXTS if one in sent}
    try:
        for one in _NUMBERS:
            if sent.get(one, "").strip():
                changes[one] = float(sent[one])
        changes["enabled"] = "enabled" in sent
        memory.save_alert_rule(name, changes, by=by)
    except ValueError as error:
        return _rules(request, memory, problem=f"{name or 'The new rule'}: {error}", status=422)
    request.state.audit_details = {"rule": name, **changes}
    return see(f"/alerts/rules?{urlencode({'done': f'The rule {name} is saved.'})}")


def _rules(
    request: Request, memory: OpenedMemory, *, problem: str | None = None, status: int = 200
) -> Response:
    words = sorted({one for directions in ALERT_METRICS.values() for one in directions})
    return render(
        request,
        "alert_rules.html",
        status=status,
        rows=memory.alert_rules(),
        problem=problem,
        metrics=list(ALERT_METRICS),
        directions=words,
    )
