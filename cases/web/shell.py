"""The shell of a case: `render_case` draws every tab inside templates/cases/case_base.html."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import NoReverseMatch, get_urlconf, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.http import AuthedRequest
from cases.models import Case
from cases.policy import Action, may
from cases.queries.cases import CaseShell, case_shell
from cases.queries.prices import sources_of
from cases.services.reads import keep_case_look
from cases.web.acts import Act
from cases.web.amounts import MONEY_PARTS

# Route, words, and the count shown beside it.
TABS: tuple[tuple[str, Promise, str], ...] = (
    ("case_detail", _("Overview"), ""),
    ("case_flow", _("Money flow"), ""),
    ("case_wallets", _("Wallets"), "wallets"),
    ("case_traces", _("Traces"), "traces"),
    ("case_cohorts", _("Cohort"), ""),
    ("case_suspects", _("Suspects"), "suspects"),
    ("case_findings", _("Findings"), "findings"),
    ("case_freezes", _("Freezes"), "freezes"),
    ("case_referrals", _("Referrals"), "referrals"),
    ("case_files", _("Files"), "files"),
    ("case_tasks", _("Tasks"), "tasks"),
    ("case_reports", _("Reports"), ""),
    ("case_people", _("People"), ""),
    ("case_timeline", _("Timeline"), ""),
)

NO_CASE = "00000000-0000-4000-8000-000000000000"
POLL = "X-Fiu-Poll"  # a page that refreshes itself is one look

# Pages that are one form, and what a reader may do like everybody else.
WRITING_PAGES = (
    "_form.html", "_act.html", "_add.html", "_ask.html", "_new.html", "_reveal.html",
    "/cohort_member.html",
)  # fmt: skip
READING = frozenset({"may_download"})

# Tabs that do not exist without a personal right.
PERSONAL_TABS = frozenset({"case_reports"})


@dataclass(frozen=True)
class Tab:
    """One tab as components/tabs.html draws it."""

    label: Promise
    url: str
    count: int | None
    current: bool
    route: str = ""


def get_case(request: AuthedRequest, case_id: UUID) -> Case:
    """The case if the person may see it, else the 404 of one that does not exist."""
    cases = Case.objects.visible_to(request.actor).select_related("owner_by", "operation")
    case: Case = get_object_or_404(cases, public_id=case_id)
    return case


def render_case(
    request: AuthedRequest,
    template: str,
    case: Case,
    active: str,
    context: Mapping[str, object] | None = None,
    status: int = 200,
) -> HttpResponse:
    """A page of the case; `active` is the route of its tab.

    `shell` is added to the context; a view that needed it before gives its own. Opening it is kept
    as a look: 1 insert. Looks at suspicion reports are kept with the reports.
    """
    context = context or {}
    if request.method == "GET" and POLL not in request.headers and active not in PERSONAL_TABS:
        keep_case_look(case, active, by=request.actor)  # before the page: no line, no page
    given = context.get("shell")
    shell = given if isinstance(given, CaseShell) else case_shell(case, request.actor)
    actor = request.actor
    reads_only = not shell.is_writable
    page = {
        "nav": "case",
        "case": case,
        "shell": shell,
        "strip": money_strip(shell),
        "tabs": [
            tab
            for tab in case_tabs(case, shell.counts, active)
            if tab.route not in PERSONAL_TABS or may(actor, Action.VIEW_REPORT)
        ],
        "may_trace": may(actor, Action.QUEUE_TRACE),
        "may_refer": may(actor, Action.DRAFT_REFERRAL),
        "may_freeze": may(actor, Action.REQUEST_FREEZE),
        **context,
    }
    if reads_only:
        # A form that is asked for by its address is shown, off, before anything is typed into it.
        page = offered_to_readers(page) | {
            "reads_only": True, "locked": template.endswith(WRITING_PAGES),
        }  # fmt: skip
    return render(request, template, page, status=status)


def offered_to_readers(page: Mapping[str, Any]) -> dict[str, Any]:
    """The same page for a person who may only read the case: acts are off, with the reason.

    The services refuse as well; this keeps what they would refuse from being offered.
    """
    shown = dict(page)
    for key, value in page.items():
        if key.startswith("may_") and key not in READING:
            shown[key] = False
        elif key == "decisions":
            shown[key] = {name: _switched_off(acts) for name, acts in value.items()}
        elif key.endswith("acts"):
            shown[key] = _switched_off(value)
    return shown


def _switched_off(acts: Iterable[object]) -> list[object]:
    """Legal acts with the reason why not; what is no act but the name of one is left out."""
    why = _("You may read this case, not change it.")
    return [replace(act, blocked=act.blocked or str(why)) for act in acts if isinstance(act, Act)]


def money_strip(shell: CaseShell) -> dict[str, object]:
    """What the strip shows, each sum with the page that lists what it is made of."""
    money = shell.money
    rows = reverse("case_money", args=[shell.case.public_id])
    return {
        "currency": money.currency,
        "reached": money.reached.fiat,
        "frozen": money.frozen.fiat,
        "elsewhere": money.elsewhere.fiat if money.elsewhere else None,
        "pending": money.pending.fiat,
        "left": money.left_fiat,
        "gain": money.gain_fiat,
        "num_accounts": len({row.account for row in money.reached.rows}),
        "num_assets": len({row.asset for row in money.reached.rows}),
        "time_to_first_freeze": shell.time_to_first_freeze,
        "policy": shell.policy,
        "price_at": max((price.at for price in money.prices if price.at), default=None),
        "price_sources": sources_of(money.prices),
        **{f"{part}_url": f"{rows}?part={part}" for part in MONEY_PARTS},
    }


def case_tabs(case: Case, counts: Mapping[str, int], active: str) -> list[Tab]:
    """The tabs whose pages exist."""
    own = str(case.public_id)
    return [
        Tab(words, url.replace(NO_CASE, own), counts[key] if key else None, route == active, route)
        for route, words, key in TABS
        if (url := _tab_url(route, get_urlconf()))
    ]


@cache
def _tab_url(route: str, _urls: str | None) -> str:
    """The address of a tab with NO_CASE in it, "" where this process has no such page."""
    try:
        return reverse(route, args=[UUID(NO_CASE)])
    except NoReverseMatch:
        return ""
