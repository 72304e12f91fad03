"""The inbox: one list by deadline of what waits for the person."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cases.http import AuthedRequest, casework
from cases.models import Alert, InformationRequest
from cases.policy import PermissionDenied
from cases.queries import inbox as queries
from cases.services.alerts import assign_alert
from cases.services.errors import CaseworkError
from cases.services.requests import start_verification
from cases.services.tasks import take_row

SHOWN = 100  # rows of one page; the rest moves up as these are done


@require_safe
@casework
def inbox(request: AuthedRequest) -> HttpResponse:
    places = queries.waiting(request.actor)
    kind = request.GET.get("type", "")
    kind = kind if kind in queries.KINDS else ""
    of_kind = [place for place in places if kind in ("", place.kind)]
    context = {
        "rows": queries.rows_of(of_kind[:SHOWN], request.actor),
        "num_more": max(0, len(of_kind) - SHOWN),
        "chips": queries.kind_chips(places),
        "kind": kind,
        "num_all": len(places),
        "has_unowned": queries.has_free(places, request.actor),
    }
    return render(request, "cases/inbox.html", context)


@require_POST
@casework
def inbox_next(request: AuthedRequest) -> HttpResponse:
    """Take the most urgent row that nobody has, and open it."""
    for row in queries.inbox(request.actor):
        if row.owner is not None or not row.can_take:
            continue
        try:
            _take(request, row)
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
    rows = queries.inbox(request.actor, kind)
    row = next((row for row in rows if row.subject == subject), None)
    if row is None:
        raise Http404
    _take(request, row)
    return redirect("inbox")


def _take(request: AuthedRequest, row: queries.InboxRow) -> None:
    """Alerts and requests carry their owner themselves; for the rest a claim says who has it."""
    actor = request.actor
    if row.kind == "alert":
        assign_alert(Alert.objects.visible_to(actor).get(public_id=row.subject), by=actor)
    elif row.kind == "request":
        asked = InformationRequest.objects.visible_to(actor).get(public_id=row.subject)
        start_verification(asked, by=actor)
    elif row.case is not None:
        take_row(row.case.pk, row.kind, row.subject, by=actor)


urlpatterns = [
    path("inbox/", inbox, name="inbox"),
    path("inbox/next/", inbox_next, name="inbox_next"),
    path("inbox/<slug:kind>/<uuid:subject>/take/", inbox_take, name="inbox_take"),
]
