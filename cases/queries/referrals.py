"""Referrals as their screens need them: lists, one page with its release and who read it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db.models import Exists, Min, OuterRef, Q, QuerySet
from django.utils import timezone

from cases.models import (
    AuditEvent,
    Case,
    Finding,
    FreezeRequest,
    InformationRequest,
    ReadEvent,
    Referral,
    ReferralApproval,
    ReleaseFile,
    SharedRelease,
    ShareGrant,
)
from cases.policy import Actor
from cases.queries.findings import StaleRest, rests_on
from cases.queries.keyset import Page, newest_first
from cases.queries.officers import verified_officers
from cases.states import FindingState, FreezeState, ReferralState, ReleaseState
from tracing import reads

Agency: Any = apps.get_model("fiu", "Agency")

STATES = tuple(state.value for state in ReferralState)
# The walk of a referral; a recalled one left it.
WALK = STATES[:-1]
STANDING = (FreezeState.ACTIVE.value, FreezeState.DECISION_DUE.value)
UNREAD_AFTER = timedelta(days=3)
MOST_READS = 100
MOST_EVENTS = 50
PACKAGE = "application/zip"


@dataclass(frozen=True)
class Step:
    """One state of the walk: where the referral stands, when it came there and by whom."""

    state: str
    look: str  # "done", "now", "failed" or ""
    at: datetime | None
    who: Any


@dataclass(frozen=True)
class ReferralRow:
    """A referral in a list, with its latest release."""

    referral: Referral
    release: SharedRelease | None
    grants: list[ShareGrant]


@dataclass(frozen=True)
class ReferralPage:
    """One referral: the way it went, its release, its recipients, and every read of it."""

    steps: list[Step]
    release: SharedRelease | None
    manifest: ReleaseFile | None
    grants: list[ShareGrant]
    recipients: list[tuple[ShareGrant, ReleaseFile | None]]  # each with the ZIP of this officer
    files: list[ReleaseFile]
    reads: list[ReadEvent]
    approvals: list[ReferralApproval]
    events: list[AuditEvent]


def case_referrals(case: Case) -> list[ReferralRow]:
    """The referrals of a case, newest first: 3 queries."""
    return _rows(list(_listed(case.referrals.all()).order_by("-drafted_at", "-pk")))


def releases_out(actor: Actor) -> QuerySet[SharedRelease]:
    """Releases in officers' hands, with whose and of which case, without what they hold."""
    rows = SharedRelease.objects.visible_to(actor).filter(state=ReleaseState.SHARED.value)
    return rows.select_related("referral__case", "agency").defer("dossier", "manifest")


def unread_releases(actor: Actor, limit: int = 6) -> list[tuple[SharedRelease, datetime]]:
    """Releases that nobody of their agency has opened for three days, the oldest first: 1 query.

    Each with the time since when an officer may; what is open to nobody any more is not waited for.
    """
    now = timezone.now()
    grants = ShareGrant.objects.filter(release=OuterRef("pk"))
    rows = releases_out(actor).filter(
        Exists(grants.filter(revoked_at=None, expires_at__gt=now)),
        ~Exists(grants.filter(first_read_at__isnull=False)),
    )
    rows = rows.annotate(since=Min("grants__granted_at")).filter(since__lte=now - UNREAD_AFTER)
    rows = rows.order_by("since", "pk")
    return [(each, each.since) for each in rows[:limit]]


def referral_list(actor: Actor, state: str = "", after: str = "") -> Page:
    """The referrals the actor may see, newest first, one state or all: 3 queries."""
    referrals = _listed(Referral.objects.visible_to(actor)).select_related("case")
    if state in STATES:
        referrals = referrals.filter(state=state)
    page = newest_first(referrals, "drafted_at", after)
    return Page(_rows(page.rows), page.after, page.is_first)


def referral_for_page(actor: Actor) -> QuerySet[Referral]:
    """Referrals the actor may see, with the people of their page."""
    people = (
        "drafted_by",
        "last_edited_by",
        "approved_by",
        "cleared_by",
        "case__owner_by",
        "supersedes",
    )
    rows: QuerySet[Referral] = Referral.objects.visible_to(actor).select_related(
        "case", "agency", *people
    )
    return rows


def referral_page(referral: Referral) -> ReferralPage:
    """All that stands around one referral: 3 queries, and 4 more once it is sealed."""
    release = referral.releases.select_related("sealed_by").order_by("-version").first()
    grants: list[ShareGrant] = []
    files: list[ReleaseFile] = []
    packages: dict[int | None, ReleaseFile] = {}
    reads: list[ReadEvent] = []
    if release is not None:
        people = ("liaison__agency", "granted_by")
        grants = list(release.grants.select_related(*people).order_by("pk"))
        files = list(release.files.filter(grant=None).order_by("name"))
        packages = {file.grant_id: file for file in release.files.filter(mime=PACKAGE)}
        of_it = Q(object=release.number) | Q(object__startswith=f"{release.number} ")
        found = referral.case.reads.filter(of_it, action__endswith="_release")
        reads = list(found.select_related("actor__agency").order_by("-at", "-pk")[:MOST_READS])
    found_events = referral.case.events.filter(object=referral.reference).select_related("actor")
    events = list(found_events.order_by("-seq")[:MOST_EVENTS])
    return ReferralPage(
        steps=walk(referral, release, grants, events),
        release=release,
        manifest=next((file for file in files if file.name == "manifest.json"), None),
        grants=grants,
        recipients=[(grant, packages.get(grant.pk)) for grant in grants],
        files=files,
        reads=reads,
        approvals=list(referral.approvals.select_related("user").order_by("-at")),
        events=events,
    )


def stale_findings(referral: Referral) -> list[tuple[Finding, StaleRest]]:
    """Findings of the referral that rest on a stale run: 2 queries, and 1 more for their runs."""
    findings = list(referral.findings.order_by("reference").prefetch_related("amounts"))
    amounts = [amount for finding in findings for amount in finding.amounts.all()]
    stale = reads.stale_runs({amount.run for amount in amounts if amount.run})
    return [
        (finding, rest) for finding in findings for rest in rests_on(finding.amounts.all(), stale)
    ]


def package_of(release: SharedRelease, watermark: str) -> ReleaseFile | None:
    """The ZIP of the officer with this copy: 1 query."""
    zips: QuerySet[ReleaseFile] = release.files.filter(mime=PACKAGE, grant__watermark=watermark)
    return zips.first()


def walk(
    referral: Referral,
    release: SharedRelease | None,
    grants: list[ShareGrant],
    events: list[AuditEvent],
) -> list[Step]:
    """The states from draft to acknowledged, as far as the referral came: 0 queries."""
    received = sorted(
        (grant for grant in grants if grant.acknowledged_at),
        key=lambda grant: grant.acknowledged_at or grant.granted_at,
    )
    redacted = next((event for event in events if event.action == "redact_referral"), None)
    known: dict[str, tuple[datetime | None, Any]] = {
        "draft": (referral.drafted_at, referral.drafted_by),
        "redaction": (redacted.at, redacted.actor) if redacted else (None, None),
        "approved": (referral.approved_at, referral.approved_by),
        "cleared": (referral.cleared_at, referral.cleared_by),
        "packaged": (release.sealed_at, release.sealed_by) if release else (None, None),
        "sent": (grants[0].granted_at, grants[0].granted_by) if grants else (None, None),
        "acknowledged": (received[0].acknowledged_at, received[0].liaison)
        if received
        else (None, None),
    }
    if referral.state == ReferralState.RECALLED.value:
        steps = [Step(state, "done", *known[state]) for state in WALK if known[state][0]]
        ended = next((grant.revoked_at for grant in grants if grant.revoked_at), None)
        return [*steps, Step(ReferralState.RECALLED.value, "failed", ended, None)]
    here = WALK.index(referral.state)
    return [
        Step(state, _look(number, here), *(known[state] if number <= here else (None, None)))
        for number, state in enumerate(WALK)
    ]


def _look(number: int, here: int) -> str:
    if number < here or here == len(WALK) - 1:
        return "done"
    return "now" if number == here else ""


def approved_findings(case: Case) -> QuerySet[Finding]:
    """What a referral of this case may carry: 1 query."""
    return case.findings.filter(state=FindingState.APPROVED.value).order_by("reference")


def standing_freezes(case: Case) -> QuerySet[FreezeRequest]:
    """The freezes in force: 2 queries."""
    freezes = case.freezes.filter(state__in=STANDING).select_related("agency")
    return freezes.prefetch_related("lines__account", "lines__asset").order_by("reference")


def answerable_requests(case: Case, actor: Actor) -> QuerySet[InformationRequest]:
    """Accepted requests of this case, which a referral can answer: 1 query."""
    rows: QuerySet[InformationRequest] = InformationRequest.objects.visible_to(actor)
    rows = rows.filter(case=case).exclude(accepted_datasets="")
    return rows.select_related("agency").order_by("reference")


def agencies() -> list[Any]:
    """Every authority, by its short name: 1 query."""
    return list(Agency.objects.order_by("short_name"))


def officers_of(referral: Referral) -> list[Any]:
    """The verified officers of the agency, who can receive a release: 1 query."""
    found = verified_officers(referral.agency_id).select_related("agency")
    return list(found.order_by("username"))


def _listed(referrals: QuerySet[Referral]) -> QuerySet[Referral]:
    return referrals.select_related("agency", "drafted_by").prefetch_related("releases__grants")


def _rows(referrals: list[Referral]) -> list[ReferralRow]:
    rows = []
    for referral in referrals:
        releases = sorted(referral.releases.all(), key=lambda each: each.version)
        release = releases[-1] if releases else None
        rows.append(ReferralRow(referral, release, list(release.grants.all()) if release else []))
    return rows
