"""Freezes: board and table, the request, its page with the lineage, the register."""

from collections.abc import Callable
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.http import AuthedRequest, casework
from cases.models import FreezeRequest
from cases.policy import Action, may
from cases.queries import freezes as queries
from cases.queries.freeze_register import GROUPS, ends_at, num_receipts, register
from cases.queries.ledger import ledger_of
from cases.queries.totals import FreezeKpis, freeze_kpis
from cases.queries.watches import watch_of
from cases.services.errors import CaseworkError
from cases.services.freezes import (
    OPEN_TO_EVIDENCE,
    approve_freeze,
    cancel_freeze,
    cite_evidence,
    execute_freeze,
    place_hold,
    place_provisional_freeze,
    ratify_freeze,
    reject_freeze,
    request_freeze,
    submit_freeze,
    triage_freeze,
)
from cases.states import (
    FREEZE,
    ExtensionState,
    FreezeReleaseState,
    FreezeState,
    InvalidTransition,
)
from cases.web.acts import Act, perform
from cases.web.acts_freezes import ACTS, freeze_act, why_no_hold
from cases.web.acts_ledger import DECISIONS, extension_act, release_act
from cases.web.acts_seizures import acts_of
from cases.web.forms_freezes import EvidenceForm, FreezeForm
from cases.web.instruments import verify_act
from cases.web.shell import get_case, render_case

TAB = "case_freezes"


def _get(request: AuthedRequest, freeze_id: UUID) -> FreezeRequest:
    freeze: FreezeRequest = get_object_or_404(
        queries.freeze_for_page(request.actor), public_id=freeze_id
    )
    return freeze


@require_safe
@casework
def freeze_list(request: AuthedRequest) -> HttpResponse:
    view = "table" if request.GET.get("view") == "table" else "board"
    wanted = queries.BoardFilter(
        request.GET.get("asset", ""), request.GET.get("agency", ""), "mine" in request.GET
    )
    board = queries.board(request.actor, wanted)
    context = {
        "lanes": board.lanes,
        "view": view,
        "views": [
            (name, words, _narrowed(request, view="" if name == "board" else name))
            for name, words in (("board", _("Board")), ("table", _("Table")))
        ],
        "chips": _chips(request, board, wanted),
        "clear_url": _narrowed(request, asset="", agency="", mine=""),
        "kpis": _kpis(freeze_kpis(request.actor)),
        "may_propose": may(request.actor, Action.PROPOSE_POLICY),
        "is_empty": not board.num_all,
        "is_narrowed": not any(lane.cards for lane in board.lanes),
    }
    return render(request, "cases/freeze_list.html", context)


def _narrowed(request: AuthedRequest, **changed: str) -> str:
    """The address of this page with some parts of its query changed, empty ones left out."""
    kept = {name: request.GET.get(name, "") for name in ("view", "asset", "agency", "mine")}
    return "?" + urlencode({name: value for name, value in (kept | changed).items() if value})


def _chips(
    request: AuthedRequest, board: queries.Board, wanted: queries.BoardFilter
) -> list[tuple[str, bool, str]]:
    """(words, chosen, address) of what the board can be narrowed to; a chosen one takes it back."""
    chips = [(_("Mine"), wanted.is_mine, {"mine": "" if wanted.is_mine else "1"})]
    for name, values in (("agency", board.agencies), ("asset", board.assets)):
        chosen = getattr(wanted, name)
        chips += [(each, each == chosen, {name: "" if each == chosen else each}) for each in values]
    return [(words, is_on, _narrowed(request, **changed)) for words, is_on, changed in chips]


def _kpis(figures: FreezeKpis) -> list[dict[str, object]]:
    """The figures above the board, each in words as well."""
    waiting = ngettext("%(n)d request", "%(n)d requests", figures.num_waiting)
    ending = ngettext("freeze needs a decision", "freezes need a decision", figures.num_ending)
    median = figures.median_seconds
    return [
        {
            "label": _("Frozen now"), "icon": "snowflake", "tone": "ice",
            "fiat": figures.frozen_fiat, "url": reverse("freeze_register"),
            "sub": ", ".join(each.symbol for each in figures.frozen) or _("Nothing is held"),
        },
        {
            "label": _("Waiting for approval"), "icon": "users", "fiat": figures.pending_fiat,
            "sub": waiting % {"n": figures.num_waiting},
        },
        {
            "label": _("Ending within 72 h"), "icon": "clock", "tone": "warn",
            "text": str(figures.num_ending), "sub": ending,
        },
        {
            "label": _("Answer unknown"), "icon": "circle-question-mark",
            "text": str(figures.num_unknown), "sub": _("lines: the exchange is being asked"),
        },
        {
            "label": _("Median time to freeze"), "icon": "hourglass",
            "text": _("none yet") if median is None else _length(median),
            "sub": _("from request to receipt, last year"),
        },
    ]  # fmt: skip


def _length(seconds: int) -> str:
    """A length of time in its two largest units."""
    if seconds < 60:
        return _("under a minute")
    hours, minutes = divmod(seconds // 60, 60)
    if hours < 1:
        return _("%(n)d min") % {"n": minutes}
    return _("%(h)d h %(m)d min") % {"h": hours, "m": minutes}


@require_safe
@casework
def freeze_register(request: AuthedRequest) -> HttpResponse:
    book = register(request.actor)
    totals = book.totals
    context = {
        "book": book,
        "rows": [(each, ends_at(each.line), num_receipts(each.line)) for each in book.ledger.lines],
        "totals": [(words, totals[by]) for by, (words, _name) in GROUPS.items()],
    }
    return render(request, "cases/freeze_register.html", context)


@require_safe
@casework
def case_freezes(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    instruments = list(case.instruments.select_related("agency", "verified_by").order_by("pk"))
    context = {
        "cards": queries.case_freezes(case),
        "ledger": ledger_of(request.actor, [case.pk]),
        "instruments": instruments,
        "verify_acts": [verify_act(request, each) for each in instruments if not each.verified_by],
        "may_record": may(request.actor, Action.RECORD_INSTRUMENT),
    }
    return render_case(request, "cases/freeze_tab.html", case, TAB, context)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def freeze_new(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    """Draft a request, or as a supervisor place a provisional hold in one step."""
    case = get_case(request, case_id)
    form = FreezeForm(case, queries.candidates(case, request.actor), request.POST or None)
    if form.is_valid():
        try:
            if "hold" in request.POST:
                fields = form.request()
                fields.pop("expires_at")
                freeze = place_hold(case, **fields, by=request.actor)
            else:
                freeze = request_freeze(case, **form.request(), by=request.actor)
        except (CaseworkError, InvalidTransition) as error:
            form.add_error(None, str(error))
        else:
            return redirect("freeze_detail", freeze.public_id)
    context = {
        "form": form,
        "may_hold": may(request.actor, Action.PLACE_PROVISIONAL_FREEZE),
        "hold_blocked": why_no_hold(request.actor, case),
    }
    status = 422 if form.errors else 200
    return render_case(request, "cases/freeze_form.html", case, TAB, context, status)


@require_safe
@casework
def freeze_detail(request: AuthedRequest, freeze_id: UUID) -> HttpResponse:
    freeze = _get(request, freeze_id)
    page = queries.freeze_page(freeze, request.actor)
    state = FreezeState(freeze.state)
    legal = {action.value.split("_freeze")[0] for from_, action in FREEZE if from_ == state}
    context = {
        "freeze": freeze,
        "watch": watch_of(request.actor, "freeze", freeze.public_id),
        "page": page,
        "acts": [freeze_act(request.actor, page, name) for name in ACTS if name in legal],
        "decisions": _decisions(request, page),
        "may_ask": state in (FreezeState.ACTIVE, FreezeState.DECISION_DUE)
        and may(request.actor, Action.REQUEST_FREEZE),
        "may_submit": state == FreezeState.DRAFT and freeze.requested_by_id == request.user.pk,
        "may_cite": freeze.state in OPEN_TO_EVIDENCE
        and may(request.actor, Action.REQUEST_FREEZE)
        and any(not (view.line.finding_id or view.line.instrument_id) for view in page.card.lines),
        "may_triage": "triage" in legal and may(request.actor, Action.TRIAGE_FREEZE),
    }
    return render_case(request, "cases/freeze_detail.html", freeze.case, TAB, context)


def _decisions(request: AuthedRequest, page: queries.FreezePage) -> dict[str, list[Act]]:
    """The acts on what waits, by the reference of the extension or release."""
    waiting = {
        each.reference: [extension_act(request.actor, each, name) for name in DECISIONS]
        for each in page.extensions
        if each.state == ExtensionState.REQUESTED
    }
    return (
        waiting
        | {
            each.reference: [release_act(request.actor, each, name) for name in DECISIONS]
            for each in page.releases
            if each.state == FreezeReleaseState.REQUESTED
        }
        | {each.reference: acts_of(request.actor, each) for each in page.seizures}
    )


def _step(
    request: AuthedRequest, freeze_id: UUID, service: Callable[..., object], done: str
) -> HttpResponse:
    """A step without effect outside the house: done at once, or refused with its sentence."""
    freeze = _get(request, freeze_id)
    try:
        service(freeze, by=request.actor)
    except (CaseworkError, InvalidTransition) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    return redirect("freeze_detail", freeze.public_id)


@require_POST
@casework
def freeze_submit(request: AuthedRequest, freeze_id: UUID) -> HttpResponse:
    return _step(request, freeze_id, submit_freeze, _("Submitted."))


@require_POST
@casework
def freeze_triage(request: AuthedRequest, freeze_id: UUID) -> HttpResponse:
    return _step(request, freeze_id, triage_freeze, _("Taken into review."))


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def freeze_cite(request: AuthedRequest, freeze_id: UUID) -> HttpResponse:
    """Give the lines that rest on nothing yet their evidence, so that a hold can be ratified."""
    freeze = _get(request, freeze_id)
    form = EvidenceForm(freeze.case, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            cite_evidence(freeze, **form.cited(), by=request.actor)
        except (CaseworkError, InvalidTransition) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Evidence cited."))
            return redirect("freeze_detail", freeze.public_id)
    context = {
        "form": form,
        "freeze": freeze,
        "heading": _("Cite the evidence"),
        "sub": _("Who cites it cannot ratify or approve any more: a second person does."),
        "verb": _("Cite"),
    }
    status = 422 if form.errors else 200
    return render_case(request, "cases/freeze_ask.html", freeze.case, TAB, context, status)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def freeze_decide(request: AuthedRequest, freeze_id: UUID, decision: str) -> HttpResponse:
    freeze = _get(request, freeze_id)
    by = request.actor

    def do(reason: str, content_hash: str) -> object:
        match decision:
            case "approve":
                return approve_freeze(freeze, content_hash=content_hash, reason=reason, by=by)
            case "ratify":
                return ratify_freeze(freeze, content_hash=content_hash, reason=reason, by=by)
            case "reject":
                return reject_freeze(freeze, reason=reason, by=by)
            case "place_provisional":
                return place_provisional_freeze(freeze, reason=reason, by=by)
            case "execute":
                return execute_freeze(freeze, by=by)
        return cancel_freeze(freeze, reason=reason, by=by)

    act = freeze_act(by, queries.freeze_page(freeze, by), decision)
    return perform(request, act, do, _("Decision recorded."))


ONE = "freezes/<uuid:freeze_id>/"
urlpatterns = [
    path("cases/<uuid:case_id>/freezes/", case_freezes, name="case_freezes"),
    path("cases/<uuid:case_id>/freezes/new/", freeze_new, name="freeze_new"),
    path("freezes/", freeze_list, name="freeze_list"),
    path("freezes/register/", freeze_register, name="freeze_register"),
    path(ONE, freeze_detail, name="freeze_detail"),
    path(f"{ONE}submit/", freeze_submit, name="freeze_submit"),
    path(f"{ONE}triage/", freeze_triage, name="freeze_triage"),
    path(f"{ONE}cite/", freeze_cite, name="freeze_cite"),
    *(
        path(f"{ONE}{name}/", freeze_decide, {"decision": name}, name=f"freeze_{name}")
        for name in ACTS
    ),
]
