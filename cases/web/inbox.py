"""The inbox: one list by deadline of what waits for the person."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from time import time
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from cases.http import AuthedRequest, casework
from cases.models import InboxView
from cases.policy import Action, Actor, PermissionDenied, may
from cases.queries import inbox as queries
from cases.queries.tasks import WORKERS
from cases.services.audit import record_refusal
from cases.services.errors import CaseworkError
from cases.services.inbox import (
    Given,
    assign_row,
    drop_view,
    give_back_row,
    keep_view,
    snooze_row,
    take_waiting,
    undo_assign,
    wake_row,
)
from cases.states import InvalidTransition
from cases.web.list_views import views_of

L = gettext_lazy
UNDO_SECONDS = 600
SHOWN = 50  # rows of one page; the rest moves up as these are done
WHOSE = {"mine": L("Mine"), "free": L("Nobody's")}
DUE = {"1": L("Due within a day"), "7": L("Due within 7 days")}
HOURS = {"4": L("4 hours"), "24": L("a day"), "72": L("3 days"), "168": L("a week")}


@dataclass(frozen=True)
class Filters:
    """The coded filters of the list; what is not known counts as not said."""

    kind: str = ""
    whose: str = ""
    due: str = ""
    snoozed: str = ""

    @classmethod
    def of(cls, asked: dict[str, str]) -> "Filters":
        return cls(
            kind=_known(asked.get("type", ""), queries.KINDS),
            whose=_known(asked.get("whose", ""), WHOSE),
            due=_known(asked.get("due", ""), DUE),
            snoozed=_known(asked.get("snoozed", ""), {"1": ""}),
        )

    def written(self, **other: str) -> str:
        """As they stand in an address, one of them replaced."""
        values = {
            "type": self.kind, "whose": self.whose, "due": self.due, "snoozed": self.snoozed,
        } | other  # fmt: skip
        return urlencode({name: value for name, value in values.items() if value})


def _known(value: str, known: dict[str, object] | object) -> str:
    return value if value in known else ""  # type: ignore[operator]  # dicts of either words


@require_safe
@casework
def inbox(request: AuthedRequest) -> HttpResponse:
    actor = request.actor
    filters = Filters.of(request.GET.dict())
    snoozes = queries.snoozes_of(actor)
    every = queries.waiting(actor, is_snoozed=bool(filters.snoozed), snoozes=snoozes)
    places = queries.narrowed(every, actor, whose=filters.whose, days=int(filters.due or 0))
    of_kind = [place for place in places if filters.kind in ("", place.kind)]
    context = {
        "rows": queries.rows_of(of_kind[:SHOWN], actor),
        "num_more": max(0, len(of_kind) - SHOWN),
        "chips": [
            (name, words, number, filters.written(type=name))
            for name, words, number in queries.kind_chips(places)
        ],
        "switches": _switches(filters),
        "kind": filters.kind,
        "filters": filters.written(),
        "every_kind": filters.written(type=""),
        "is_snoozed": bool(filters.snoozed),
        "num_all": len(places),
        "num_snoozed": len(snoozes),
        "has_unowned": queries.has_free(every, actor) and not filters.snoozed,
        "views": views_of(request, "inbox", filters.written()),
        "hours": HOURS.items(),
        "people": _people(request),
        "undo": _undo(request),
    }
    return render(request, "cases/inbox.html", context)


def _switches(filters: Filters) -> list[tuple[str, str, bool]]:
    """(words, address, is on) of the filters beside the kind; one that is on is switched off."""
    found = [
        (str(words), filters.written(whose="" if filters.whose == name else name),
         filters.whose == name)
        for name, words in WHOSE.items()
    ]  # fmt: skip
    return found + [
        (str(words), filters.written(due="" if filters.due == name else name), filters.due == name)
        for name, words in DUE.items()
    ]


def _people(request: AuthedRequest) -> QuerySet[Any] | list[Any]:
    """To whom this person may give work; nobody without the right."""
    if not may(request.actor, Action.ASSIGN_WORK):
        return []
    people = get_user_model().objects.filter(is_active=True, role__in=WORKERS)
    return people.order_by("username")


@require_POST
@casework
def inbox_next(request: AuthedRequest) -> HttpResponse:
    """Take the most urgent row that nobody has, and open it."""
    for row in queries.inbox(request.actor):
        if row.owner is not None or not row.can_take:
            continue
        try:
            take_waiting(row, by=request.actor)
        except (CaseworkError, PermissionDenied):
            continue  # somebody was faster, or it is open to this person to read only
        messages.success(request, _("Yours now: %(words)s") % {"words": row.words})
        return redirect(reverse(row.route, args=row.path))
    messages.info(request, _("Nothing waits that nobody has taken."))
    return redirect("inbox")


@require_POST
@casework
def inbox_take(request: AuthedRequest, kind: str, subject: UUID) -> HttpResponse:
    """Take one row; whoever has it already keeps it."""
    rows = queries.inbox(request.actor, kind, is_whole=True)
    row = next((row for row in rows if row.subject == subject), None)
    if row is None:
        raise Http404
    take_waiting(row, by=request.actor)
    return redirect("inbox")


@require_POST
@casework
def inbox_bulk(request: AuthedRequest) -> HttpResponse:
    """Take, give, give back, put off or show again the rows that were ticked; never a decision."""
    ticked = set(request.POST.getlist("row")[:SHOWN])
    act = _act(request)
    back = redirect(f"{reverse('inbox')}?{Filters.of(dict(parse_qsl(_back(request)))).written()}")
    if act is None or not ticked:
        messages.info(request, _("Tick rows first, then say what happens with them."))
        return back
    rows = queries.inbox(request.actor, is_whole=True)
    done, refused, undo = 0, {}, []
    for row in rows:
        if f"{row.kind}:{row.subject}" not in ticked:
            continue
        try:
            act(row)
        except (CaseworkError, PermissionDenied, InvalidTransition) as error:
            refused[str(error)] = row.words
            if isinstance(error, PermissionDenied):
                _keep_refusal(row.subject, error, by=request.actor)
        else:
            done += 1
            case_id = row.case.pk if row.case else None
            undo.append([row.kind, str(row.subject), case_id, getattr(row.owner, "pk", None)])
    if done:
        _keep_undo(request, undo)
        messages.success(request, ngettext("%(n)d row.", "%(n)d rows.", done) % {"n": done})
    for sentence, words in refused.items():
        messages.error(request, f"{words}: {sentence}")
    return back


def _keep_refusal(subject: object, error: PermissionDenied, *, by: Actor) -> None:
    """H8: of many rows each refused permission is an event, like that of a single one."""
    record_refusal(by=by, action="inbox_bulk", object=str(subject), reason=str(error))


def _keep_undo(request: AuthedRequest, rows: list[list[Any]]) -> None:
    """What the person can undo for ten minutes: the last time that rows were put off or given."""
    act = request.POST.get("act", "")
    request.session.pop("inbox_undo", None)
    if act in ("snooze", "assign"):
        request.session["inbox_undo"] = {
            "act": act, "rows": rows, "to": request.POST.get("user", ""), "at": time(),
        }  # fmt: skip


def _undo(request: AuthedRequest) -> dict[str, Any] | None:
    """What can be undone yet; None where nothing can."""
    kept: dict[str, Any] | None = request.session.get("inbox_undo")
    return kept if kept is not None and time() - kept["at"] < UNDO_SECONDS else None


@require_POST
@casework
def inbox_undo(request: AuthedRequest) -> HttpResponse:
    """Undo the last time that rows were put off or given, as far as they stand as they were."""
    kept = _undo(request)
    request.session.pop("inbox_undo", None)
    if kept is None:
        messages.info(request, _("There is nothing to undo any more."))
        return redirect("inbox")
    done, by = 0, request.actor
    rows = queries.inbox(by, is_whole=True) if kept["act"] == "snooze" else []
    for kind, subject, case_id, owner in kept["rows"]:
        try:
            if kept["act"] == "snooze":
                row = next((each for each in rows if str(each.subject) == subject), None)
                if row is None:
                    continue  # done meanwhile
                wake_row(row, by=by)
            else:
                given = Given(kind, UUID(subject), case_id, int(kept["to"]), owner)
                undo_assign(given, by=by)
        except (CaseworkError, PermissionDenied, InvalidTransition) as error:
            messages.error(request, str(error))
        else:
            done += 1
    if done:
        messages.success(request, ngettext("%(n)d undone.", "%(n)d undone.", done) % {"n": done})
    return redirect("inbox")


def _back(request: AuthedRequest) -> str:
    return request.POST.get("back", "")[:200]


def _act(request: AuthedRequest) -> Callable[[queries.InboxRow], object] | None:
    """What was asked for, as a call on a row; None where it was not said."""
    by = request.actor
    hours, user = request.POST.get("hours", ""), request.POST.get("user", "")
    match request.POST.get("act", ""):
        case "take":
            return lambda row: take_waiting(row, by=by)
        case "give_back":
            return lambda row: give_back_row(row, by=by)
        case "wake":
            return lambda row: wake_row(row, by=by)
        case "snooze" if hours in HOURS:
            until = timezone.now() + timedelta(hours=int(hours))
            return lambda row: snooze_row(row, until, by=by)
        case "assign" if user.isascii() and user.isdecimal() and len(user) < 10:
            return lambda row: assign_row(row, int(user), by=by)
    return None


@require_POST
@casework
def inbox_view_keep(request: AuthedRequest) -> HttpResponse:
    """Keep the filters shown under a name."""
    filters = Filters.of(dict(parse_qsl(_back(request)))).written()
    try:
        keep_view(
            request.POST.get("name", ""), filters,
            is_shared=request.POST.get("shared") == "1", by=request.actor,
        )  # fmt: skip
    except CaseworkError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("View kept."))
    return redirect(f"{reverse('inbox')}?{filters}")


@require_POST
@casework
def inbox_view_drop(request: AuthedRequest, view_id: UUID) -> HttpResponse:
    view = get_object_or_404(InboxView.objects.visible_to(request.actor), public_id=view_id)
    drop_view(view, by=request.actor)
    messages.success(request, _("View dropped."))
    return redirect("inbox" if view.place == "inbox" else "case_list")


urlpatterns = [
    path("inbox/", inbox, name="inbox"),
    path("inbox/next/", inbox_next, name="inbox_next"),
    path("inbox/undo/", inbox_undo, name="inbox_undo"),
    path("inbox/bulk/", inbox_bulk, name="inbox_bulk"),
    path("inbox/views/", inbox_view_keep, name="inbox_view_keep"),
    path("inbox/views/<uuid:view_id>/drop/", inbox_view_drop, name="inbox_view_drop"),
    path("inbox/<slug:kind>/<uuid:subject>/take/", inbox_take, name="inbox_take"),
]
