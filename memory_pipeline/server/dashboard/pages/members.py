"""Members: what those who may be seen have in common, with questions worth asking them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from memory_pipeline.agent.prompt import FOCUS_AREAS, FOCUS_CHARACTERS
from memory_pipeline.server.dashboard.forms import SentForm, keep_decision, see
from memory_pipeline.server.dashboard.lists import chosen, part_of
from memory_pipeline.server.dashboard.rendering import render
from memory_pipeline.server.dependencies import Admin, Decider, OpenedMemory, Reader
from memory_pipeline.server.discoveries import cost_of_discovery, discovery_arguments
from memory_pipeline.server.problems import ProblemError
from memory_pipeline.service.records import to_records
from memory_pipeline.store import jobs
from memory_pipeline.store.models import MEMBER_PATTERN_CATEGORIES

if TYPE_CHECKING:
    from memory_pipeline.server.jobs import JobRunner

router = APIRouter(prefix="/members")
Identity = Annotated[int, Path(ge=1, le=2**31 - 1)]
CHOICES = (("activate", "Activate"), ("retire", "Retire"), ("reset", "Take the decision back"))
_MERGES = 10


@router.get("")
def members(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Show the patterns by category, the last discovery, and what was merged."""
    asked = chosen(request, "category", "retired")
    category = asked["category"] if asked["category"] in MEMBER_PATTERN_CATEGORIES else None
    found, member_total, runs, merges = request.app.state.kept.get(
        ("members", category, asked["retired"]),
        memory.version("members"),
        lambda: (
            to_records(
                memory.member_patterns(category=category, include_retired=asked["retired"] is not None)
            ),
            len(memory.members()),
            to_records(memory.discovery_runs().head(1)),
            memory.label_merges(),
        ),
    )
    newest, _total = jobs.list_jobs(memory.store, kind="discover", limit=1)
    return render(
        request,
        "members.html",
        groups=[
            (name, rows)
            for name in MEMBER_PATTERN_CATEGORIES
            if (rows := [one for one in found if one["category"] == name])
        ],
        total=len(found),
        categories=MEMBER_PATTERN_CATEGORIES,
        category=category,
        member_total=member_total,
        run=runs[0] if runs else None,
        job=newest[0] if newest else None,
        is_running=bool(newest) and newest[0]["state"] in jobs.ALIVE,
        cost=cost_of_discovery(memory.settings),
        most_areas=FOCUS_AREAS,
        longest_area=FOCUS_CHARACTERS,
        merges=to_records(merges.head(_MERGES)),
        merge_total=len(merges),
    )


@router.post("/discover")
def discover(request: Request, memory: OpenedMemory, who: Admin, sent: SentForm) -> Response:
    """Discover patterns anew, in a process of its own."""
    arguments = discovery_arguments(
        memory.settings,
        sent.get("focus_areas", "").split(","),
        statistics_only=bool(sent.get("statistics_only")),
        confirm_cost=bool(sent.get("confirm_cost")),
    )
    runner: JobRunner = request.app.state.jobs
    job = runner.start("discover", arguments, asked_by=who.name)
    request.state.audit_details = {"job": job["id"]}
    return see("/members")


@router.get("/people")
def people(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Show the members who may be seen."""
    asked = chosen(request, "label")
    found = to_records(memory.members())
    if asked["label"]:
        wanted = asked["label"].casefold()
        found = [one for one in found if wanted in {text.casefold() for text in _labels(one)}]
    rows, following = part_of(found, request)
    return render(request, "people.html", rows=rows, total=len(found), following=following)


@router.get("/labels")
def labels(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Show which labels are read as another, and which look alike."""
    asked = chosen(request, "field", "why")
    everything = memory.label_merges()
    found = to_records(memory.label_merges(member_field=asked["field"], why=asked["why"]))
    rows, following = part_of(found, request)
    return render(
        request,
        "labels.html",
        rows=rows,
        total=len(found),
        following=following,
        fields=sorted(set(everything["field"])),
        reasons=sorted(set(everything["why"])),
    )


@router.get("/{identity}")
def pattern(request: Request, memory: OpenedMemory, _: Reader, identity: Identity) -> Response:
    """Show one pattern with its members and questions."""
    found = memory.member_pattern(identity)
    if found is None:
        raise ProblemError(404, f"no pattern among members has the id {identity}; /members lists them")
    everybody = memory.members()
    related = everybody[everybody["id"].isin(found["related_member_ids"])]
    questions = memory.questions()
    rows, following = part_of(to_records(related), request)
    log, _total = memory.decision_log(kind="member_pattern", finding_id=str(identity))
    return render(
        request,
        "member_pattern.html",
        pattern=found,
        people=rows,
        people_total=len(related),
        following=following,
        questions=to_records(questions[questions["pattern_name"] == found["name"]]),
        decisions=log,
        choices=CHOICES,
    )


@router.post("/{identity}/decision")
def decide(memory: OpenedMemory, who: Decider, sent: SentForm, identity: Identity) -> Response:
    """Activate or retire a pattern, or note something about it."""
    keep_decision(memory, "member_pattern", str(identity), sent, who)
    return see(f"/members/{identity}?{urlencode({'done': 'Your decision is kept; rebuilds respect it.'})}")


def _labels(member: dict[str, Any]) -> list[str]:
    """Return everything that a member lists, of all fields."""
    others = (member["other_sets"] or {}).values()
    return [
        *(member["skills"] or ()),
        *(member["interests"] or ()),
        *(one for some in others for one in some),
    ]
