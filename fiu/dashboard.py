"""Home: money, deadlines, what waits, charts, the guide; and what every page's rail counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.cache import caches
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cases.acting import acting_as
from cases.http import AuthedRequest, casework
from cases.models import AuditEvent, CaseAccess, Price, ReportEvent
from cases.policy import SYSTEM, Action, Actor, Role, may
from cases.queries import dashboard as queries
from cases.queries import inbox
from cases.queries.money import AssetSum
from cases.queries.money_parts import amounts_by_case, unit_account
from cases.queries.prices import PriceFacts, facts_of_prices
from cases.queries.referrals import unread_releases
from cases.queries.release_drift import changed_releases
from cases.queries.reports import report_deadlines
from cases.queries.requests import request_deadlines
from cases.queries.totals import (
    FreezeMonth,
    UnitTotals,
    freezes_by_month,
    unit_money,
    unit_totals,
)
from cases.queries.traces import live_runs
from cases.web.amounts import MONEY_PARTS, money_amounts, row_amounts
from fiu.charts import Column, Part, Row
from fiu.models import User
from fiu.templatetags.money import KnownAsset, exact, headline

Counted = TypeVar("Counted")
HOME_ROWS = 12
SOON = timedelta(days=7)
# What is missed with the greatest harm comes first; what only lies there, last.
HARMS = ("freeze", "request", "changed", "report", "unread")
RAIL_SECONDS = 60
THEMES = ("system", "light", "dark")


def rail(request: HttpRequest) -> dict[str, object]:
    """Context of every page: what waits for the person, asked of the database only when shown."""
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None:
        return {}
    if not may(actor, Action.VIEW_CASE):
        pages = {"audit": Action.VERIFY_AUDIT, "settings": Action.PROPOSE_POLICY}
        return {"rail_only": {key for key, right in pages.items() if may(actor, right)}}
    return {
        "waiting": SimpleLazyObject(lambda: waiting(actor)),
        "may_view_reports": may(actor, Action.VIEW_REPORT),
        "price_facts": SimpleLazyObject(price_facts),
    }


def price_facts() -> PriceFacts:
    """What stands under every list of money: 1 query while no price is loaded."""
    newest = Price.objects.order_by("-pk").values_list("pk", flat=True).first()
    found: PriceFacts | None = caches["nearby"].get(f"prices:{newest}")
    if found is None:
        found = facts_of_prices()
        caches["nearby"].set(f"prices:{newest}", found, RAIL_SECONDS)
    return found


def waiting(actor: Actor) -> dict[str, int]:
    """What the rail counts: 1 query while nothing happens, 2 for who may see reports.

    Every act of casework ends in an audit event, so the newest one says whether to count again.
    What needs no act (a deadline that passes, a trace that fails) is counted a minute late; an
    access that ends counts at once.
    """
    return _until_next_act("rail", actor, inbox.inbox_numbers)


def _until_next_act(name: str, actor: Actor, count: Callable[[Actor], Counted]) -> Counted:
    """What `count` says of all cases the actor sees, kept as `waiting` tells: 1 or 2 queries."""
    with acting_as(SYSTEM):  # the newest act may be one that the person must not read
        change = AuditEvent.objects.newest_hash()
        if may(actor, Action.VIEW_REPORT):  # acts on reports stand in a chain of their own
            newest = ReportEvent.objects.order_by("-pk").values_list("hash", flat=True).first()
            change += newest or ""
    person = f"{actor.user_id}:{actor.role}:{actor.may_view_reports}"
    key = f"{name}:{person}:{get_language()}:{change}"
    found: Counted | None = caches["nearby"].get(key)
    if found is None:
        found = count(actor)
        end = CaseAccess.objects.next_end(actor.user_id)
        left = RAIL_SECONDS if end is None else (end - timezone.now()).total_seconds()
        caches["nearby"].set(key, found, min(RAIL_SECONDS, left))
    return found


@require_safe
@login_required
def home(request: AuthedRequest) -> HttpResponse:
    """Each role's first page: at most 75 queries for people who work on cases."""
    actor = request.actor
    if not may(actor, Action.VIEW_CASE):
        return _elsewhere(actor)
    house = _until_next_act("home", actor, _house)
    runs = live_runs(actor)
    context = {
        "kpis": kpis(house.money),
        "waiting_rows": inbox.rows_of(inbox.waiting(actor)[:HOME_ROWS], actor),
        "pressing": pressing(actor),
        "runs": runs,
        "months": columns_of(house.months),
        "ages": rows_of(house.ages),
        "workload": rows_of(house.workload),
        "guide": guide(request.user, actor),
    }
    return render(request, "dashboard/home.html", context)


@dataclass(frozen=True)
class Pressing:
    """What must not be missed: a freeze, a request, releases or a report, and its time.

    `at` is when it ends or falls due; of changed and unread releases since when they are.
    """

    kind: str
    what: Any
    at: datetime

    @property
    def num_days(self) -> int:
        """That it has been so, to the nearest."""
        return round((timezone.now() - self.at) / timedelta(days=1))


def pressing(actor: Actor) -> list[Pressing]:
    """Of the next seven days by harm of missing, each kind by time; then the rest by time."""
    now = timezone.now()
    found = [Pressing("freeze", freeze, at) for freeze, at in queries.deadlines(actor)]
    found += [Pressing("request", asked, at) for asked, at in request_deadlines(actor)]
    found += [Pressing("changed", each.releases, each.since) for each in changed_releases(actor)]
    found += [Pressing("report", report, at) for report, at in report_deadlines(actor)]
    found += [Pressing("unread", release, at) for release, at in unread_releases(actor)]

    def place(each: Pressing) -> tuple[int, datetime]:
        is_soon = each.at <= now + SOON
        return HARMS.index(each.kind) if is_soon else len(HARMS), each.at

    return sorted(found, key=place)


@require_safe
@casework
def dashboard_money(request: AuthedRequest) -> HttpResponse:
    """What the totals are made of, per account and asset, then per case: 20 queries."""
    money = unit_money(request.actor)
    by_case = amounts_by_case(request.actor)
    part = request.GET.get("part", "")
    context = {
        "nav": "dashboard",
        "money": money,
        "amounts": money_amounts(money),
        "part": part if part in MONEY_PARTS else "",
        "by_case": by_case,
        "known_twice": sum((each.money.reached.fiat for each in by_case), -money.reached.fiat),
    }
    return render(request, "dashboard/money.html", context)


@require_safe
@casework
def dashboard_account(request: AuthedRequest, account_id: UUID) -> HttpResponse:
    """The coins and freeze lines behind one account's amounts of one asset, over all cases."""
    found = unit_account(account_id, request.GET.get("asset", ""), request.actor)
    if found is None:
        raise Http404
    money = unit_money(request.actor)
    context = {"nav": "dashboard", "parts": found, "amounts": row_amounts(money, found.rows)}
    return render(request, "dashboard/account.html", context)


@require_POST
@casework
def guide_close(request: AuthedRequest) -> HttpResponse:
    User.objects.filter(pk=request.user.pk).update(guide_closed_at=timezone.now())
    return redirect("dashboard")


@require_POST
@login_required
def set_theme(request: AuthedRequest) -> HttpResponse:
    """Keep the person's choice of theme, then back to the page it was made on."""
    theme = request.POST.get("theme", "")
    if theme not in THEMES:
        raise Http404
    User.objects.filter(pk=request.user.pk).update(theme=theme)
    if request.headers.get("HX-Request") or request.headers.get("X-Fiu-Quiet"):
        return HttpResponse(status=204)
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    # An address, never the name of a route: `redirect` would look for one.
    return HttpResponseRedirect(back if is_ours else "/")


def _elsewhere(actor: Actor) -> HttpResponse:
    """People who do not work on cases have another first page."""
    name = "liaison_releases" if actor.role == Role.LIAISON else "audit_list"
    try:
        return redirect(reverse(name))
    except NoReverseMatch:
        raise Http404 from None


def kpis(money: UnitTotals) -> list[dict[str, object]]:
    """The totals over all visible cases; each opens the screen that lists what it is made of."""
    amounts = reverse("dashboard_money")
    return [
        {
            "label": _("Reached this exchange"), "icon": "landmark", "fiat": money.reached.fiat,
            "sub": _("in all cases you may see"), "url": f"{amounts}?part=reached",
        },
        {
            "label": _("Frozen"), "icon": "snowflake", "tone": "ice", "fiat": money.frozen.fiat,
            "sub": assets_words(money.frozen.by_asset), "url": f"{amounts}?part=frozen",
        },
        {
            "label": _("Awaiting approval"), "icon": "hourglass", "tone": "warn",
            "fiat": money.pending.fiat, "sub": assets_words(money.pending.by_asset),
            "url": f"{amounts}?part=pending",
        },
        {
            "label": _("Not held"), "icon": "arrow-right", "tone": "bad",
            "fiat": money.left_fiat, "sub": _("withdrawn, spent or still in the account"),
            "url": f"{amounts}?part=left",
        },
    ]  # fmt: skip


def assets_words(sums: Sequence[AssetSum]) -> str:
    """The exact amounts of the two dearest assets, and how many more there are."""
    shown = [exact(each.base, KnownAsset(each.symbol, each.decimals)) for each in sums[:2]]
    if len(sums) > 2:
        shown.append(_("%(number)d more") % {"number": len(sums) - 2})
    return ", ".join(shown) or _("nothing")


@dataclass(frozen=True)
class House:
    """What is counted over all cases that the person sees, and changes by acts alone."""

    money: UnitTotals
    months: list[FreezeMonth]
    ages: list[tuple[str, int]]
    workload: list[tuple[str, int]]


def _house(actor: Actor) -> House:
    return House(
        unit_totals(actor),
        freezes_by_month(actor),
        queries.cases_by_age(actor),
        queries.workload(actor),
    )


def columns_of(months: Sequence[FreezeMonth]) -> list[Column]:
    """Money frozen by month, at its value when it was frozen; empty when there is none."""
    columns = [
        Column(
            date_format(month.month, "M"),
            (
                Part(_("Held"), month.held, "ice", headline(month.held)),
                Part(_("Released or seized"), month.released, "rest", headline(month.released)),
            ),
            headline(month.held + month.released),
        )
        for month in months
    ]
    return columns if any(column.total for column in columns) else []


def rows_of(numbers: Sequence[tuple[str, int]]) -> list[Row]:
    """Bars of a chart."""
    return [Row(words, number) for words, number in numbers]


def guide(user: User, actor: Actor) -> list[dict[str, object]]:
    """The five first steps until the person closes them; the first one not done is the next."""
    if user.guide_closed_at is not None:
        return []
    steps: list[dict[str, object]] = []
    is_next = True
    for step in queries.guide_steps(actor):
        state = "done" if step.is_done else "now" if is_next else ""
        is_next = is_next and step.is_done
        steps.append({"title": step.title, "text": step.text, "url": url_of(step), "state": state})
    return steps


def url_of(step: queries.GuideStep) -> str:
    """The page of a step, or the dashboard while that page is not there."""
    try:
        return reverse(step.route, args=[step.public_id])
    except NoReverseMatch:
        return reverse("dashboard")


urlpatterns = [
    path("", home, name="dashboard"),
    path("money/", dashboard_money, name="dashboard_money"),
    path("money/<uuid:account_id>/", dashboard_account, name="dashboard_account"),
    path("guide/close/", guide_close, name="guide_close"),
    path("theme/", set_theme, name="set_theme"),
]
