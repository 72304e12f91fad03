"""What one watches: wallets, freezes and traces, and what changed of them."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cases.http import AuthedRequest, casework
from cases.models import Watch, WatchNotice
from cases.queries.watches import watch_page
from cases.services.errors import CaseworkError, NotFound
from cases.services.watches import add_watch, drop_watch, read_notice


@require_safe
@casework
def watch_list(request: AuthedRequest) -> HttpResponse:
    page = watch_page(request.actor)
    context = {
        "notices": [(notice, _address(notice.watch)) for notice in page.notices],
        "watches": [(watch, _address(watch)) for watch in page.watches],
    }
    return render(request, "cases/watch_list.html", context)


def _address(watch: Watch) -> str:
    match watch.kind:
        case "wallet":
            return reverse("address_detail", args=[watch.subject])
        case "freeze":
            return reverse("freeze_detail", args=[watch.subject])
    return reverse("trace_detail", args=[watch.case.public_id, watch.subject])


@require_POST
@casework
def watch_add(request: AuthedRequest, watch_kind: str, watched_id: UUID) -> HttpResponse:
    try:
        watch = add_watch(watch_kind, watched_id, by=request.actor)
    except NotFound as error:
        raise Http404 from error
    except CaseworkError as error:
        messages.error(request, str(error))
        return redirect("watch_list")
    messages.success(request, _("You are told when it changes."))
    return redirect(_address(watch))


@require_POST
@casework
def watch_drop(request: AuthedRequest, watch_id: UUID) -> HttpResponse:
    watch = get_object_or_404(Watch.objects.visible_to(request.actor), public_id=watch_id)
    drop_watch(watch, by=request.actor)
    messages.success(request, _("You watch it no longer."))
    return redirect(_address(watch) if request.POST.get("back") == "page" else "watch_list")


@require_POST
@casework
def notice_read(request: AuthedRequest, notice_id: UUID) -> HttpResponse:
    notices = WatchNotice.objects.visible_to(request.actor)
    read_notice(get_object_or_404(notices, public_id=notice_id), by=request.actor)
    return redirect("watch_list")


urlpatterns = [
    path("watches/", watch_list, name="watch_list"),
    path("watches/<slug:watch_kind>/<uuid:watched_id>/", watch_add, name="watch_add"),
    path("watches/<uuid:watch_id>/drop/", watch_drop, name="watch_drop"),
    path("watches/notices/<uuid:notice_id>/read/", notice_read, name="notice_read"),
]
