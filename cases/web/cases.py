"""The case list, a new case, the overview, the timeline, and the acts that move a case on."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.http import AuthedRequest, casework
from cases.models import Case, LegacyCase
from cases.policy import Action, may
from cases.queries import cases as queries
from cases.queries.money_parts import account_parts
from cases.queries.outcomes import outcomes_of
from cases.queries.relations import relatives_of
from cases.services import case_clocks
from cases.services import cases as services
from cases.services.errors import CaseworkError
from cases.services.holds import clear_legal_hold, set_legal_hold
from cases.services.inbox import keep_view
from cases.states import CaseState
from cases.web.amounts import MONEY_PARTS, money_amounts, row_amounts
from cases.web.events import told
from cases.web.forms_cases import ACT_FORMS, CaseEditForm, CaseForm
from cases.web.list_views import views_of
from cases.web.shell import get_case, render_case

L = gettext_lazy
STATE_CHIPS = [state.value for state in CaseState]
SWITCHES: dict[str, dict[str, Promise | str]] = {
    "whose": {"mine": L("Mine"), "free": L("Nobody's")},
    "due": {
        "late": L("Past their time"), "week": L("Due within 7 days"),
        "senior": L("With the seniors"),
    },
    "priority": {"P1": L("Critical"), "P2": L("High"), "P3": L("Medium"), "P4": L("Low")},
}  # fmt: skip


@dataclass(frozen=True)
class Filters:
    """The coded filters of the list; what is not known counts as not said."""

    state: str = ""
    whose: str = ""
    priority: str = ""
    due: str = ""

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> "Filters":
        known = {"state": STATE_CHIPS, **{name: list(words) for name, words in SWITCHES.items()}}
        return cls(**{
            name: asked[name] for name, values in known.items() if asked.get(name) in values
        })  # fmt: skip

    def written(self, **other: str) -> str:
        """As they stand in an address, one of them replaced."""
        values = asdict(self) | other
        return urlencode({name: value for name, value in values.items() if value})


def _switches(filters: Filters) -> list[tuple[Promise | str, str, bool]]:
    """(words, address, is on) of the filters beside the state; one that is on is switched off."""
    return [
        (words, filters.written(**{name: "" if is_on else value}), is_on)
        for name, choices in SWITCHES.items()
        for value, words in choices.items()
        for is_on in [getattr(filters, name) == value]
    ]


@require_safe
@casework
def case_list(request: AuthedRequest) -> HttpResponse:
    filters = Filters.of(request.GET)
    states = [filters.state] if filters.state else queries.OPEN_STATES
    which = queries.CaseChoice(filters.whose, filters.priority, filters.due)
    context = {
        "page": queries.case_list(request.actor, states, request.GET.get("after", ""), which=which),
        "chips": [
            (name, number, filters.written(state=name))
            for name, number in queries.state_chips(request.actor)
        ],
        "state": filters.state,
        "every_state": filters.written(state=""),
        "switches": _switches(filters),
        "filters": filters.written(),
        "views": views_of(request, "cases", filters.written()),
        "may_open": may(request.actor, Action.OPEN_CASE),
        "may_break_glass": may(request.actor, Action.BREAK_GLASS),
    }
    return render(request, "cases/case_list.html", context)


@require_POST
@casework
def case_view_keep(request: AuthedRequest) -> HttpResponse:
    """Keep the filters shown under a name."""
    filters = Filters.of(dict(parse_qsl(request.POST.get("back", "")[:200]))).written()
    try:
        keep_view(
            request.POST.get("name", ""), filters, place="cases",
            is_shared=request.POST.get("shared") == "1", by=request.actor,
        )  # fmt: skip
    except CaseworkError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("View kept."))
    return redirect(f"{reverse('case_list')}?{filters}")


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def case_new(request: AuthedRequest) -> HttpResponse:
    form = CaseForm(request.POST or None)
    if form.is_valid():
        try:
            case = services.open_case(**form.cleaned_data, by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            return redirect("case_detail", case.public_id)
    status = 422 if form.errors else 200
    return render(request, "cases/case_form.html", {"form": form}, status=status)


@require_safe
@casework
def case_detail(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    shell = queries.case_shell(case, request.actor)
    overview = queries.case_overview(shell)
    context = {
        "shell": shell,
        "overview": overview,
        "outcomes": outcomes_of(request.actor, [case.pk]) if shell.counts["referrals"] else None,
        "events": [told(event) for event in overview.events],
        "acts": queries.case_acts(case, request.actor),
        "clock_acts": queries.clock_acts(case, request.actor),
        "may_edit": may(request.actor, Action.EDIT_CASE),
        "may_hold": may(request.actor, Action.SET_LEGAL_HOLD),
        "may_decide": may(request.actor, Action.DECIDE_CASE),
        "legacy": LegacyCase.objects.visible_to(request.actor).filter(case=case).first()
        if shell.may_be_legacy
        else None,
        "relatives": relatives_of(case, request.actor) if shell.may_have_relatives else None,
    }
    return render_case(request, "cases/case_overview.html", case, "case_detail", context)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def case_edit(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    shown = {name: getattr(case, name) for name in CaseEditForm.base_fields}
    form = CaseEditForm(request.POST or None, initial=shown)
    if form.is_valid():
        fields = dict(form.cleaned_data)
        try:
            services.edit_case(case, version=fields.pop("version"), by=request.actor, **fields)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            return redirect("case_detail", case.public_id)
    status = 422 if form.errors else 200
    context = {"form": form, "heading": _("Edit the case"), "verb": _("Save")}
    return render_case(request, "cases/case_act.html", case, "case_detail", context, status)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def case_act(request: AuthedRequest, case_id: UUID, act: str) -> HttpResponse:
    """Move the case on; each act has a form with its reason."""
    case = get_case(request, case_id)
    heading, verb, form_class = ACT_FORMS[act]
    form = form_class(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            ACTS[act](case, **form.cleaned_data, by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Done."))
            return redirect("case_detail", case.public_id)
    status = 422 if form.errors else 200
    context = {"form": form, "heading": heading, "verb": verb}
    return render_case(request, "cases/case_act.html", case, "case_detail", context, status)


@require_POST
@casework
def case_start(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    services.start_case(case, by=request.actor)
    return redirect("case_detail", case.public_id)


@require_safe
@casework
def case_timeline(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    page = queries.case_events(case, request.GET.get("after", ""))
    context = {"page": page, "events": [told(event) for event in page.rows]}
    return render_case(request, "cases/case_timeline.html", case, "case_timeline", context)


@require_safe
@casework
def case_money_rows(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    """What each sum of the money strip is made of, per account and asset."""
    case = get_case(request, case_id)
    part = request.GET.get("part", "")
    shell = queries.case_shell(case, request.actor)
    context = {
        "shell": shell,
        "part": part if part in MONEY_PARTS else "",
        "amounts": money_amounts(shell.money),
    }
    return render_case(request, "cases/case_money.html", case, "case_detail", context)


@require_safe
@casework
def case_account(request: AuthedRequest, case_id: UUID, account_id: UUID) -> HttpResponse:
    """The outputs, records and freeze lines behind one account's amounts of one asset."""
    case = get_case(request, case_id)
    shell = queries.case_shell(case, request.actor)
    asset = request.GET.get("asset", "")
    parts = account_parts(case, shell.money, account_id, asset, request.actor)
    if parts is None:
        raise Http404
    amounts = row_amounts(shell.money, parts.rows)
    context = {"shell": shell, "parts": parts, "amounts": amounts}
    return render_case(request, "cases/case_account.html", case, "case_detail", context)


ACTS: dict[str, Callable[..., Case]] = {
    "pause": case_clocks.hold_case,
    "resume": case_clocks.resume_case,
    "due": case_clocks.set_due,
    "escalate": case_clocks.escalate_case,
    "answer": case_clocks.answer_escalation,
    "submit": services.submit_case,
    "return": services.return_case,
    "decide": services.decide_case,
    "close": services.close_case,
    "reopen": services.reopen_case,
    "hold": set_legal_hold,
    "unhold": clear_legal_hold,
}

urlpatterns = [
    path("cases/", case_list, name="case_list"),
    path("cases/new/", case_new, name="case_new"),
    path("cases/views/", case_view_keep, name="case_view_keep"),
    path("cases/<uuid:case_id>/", case_detail, name="case_detail"),
    path("cases/<uuid:case_id>/edit/", case_edit, name="case_edit"),
    path("cases/<uuid:case_id>/start/", case_start, name="case_start"),
    path("cases/<uuid:case_id>/timeline/", case_timeline, name="case_timeline"),
    path("cases/<uuid:case_id>/money/", case_money_rows, name="case_money"),
    path("cases/<uuid:case_id>/money/<uuid:account_id>/", case_account, name="case_account"),
    *(
        path(f"cases/<uuid:case_id>/{act}/", case_act, {"act": act}, name=f"case_{act}")
        for act in ACTS
    ),
]
