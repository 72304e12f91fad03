"""Operations: the list, one with its totals down to the cases, and the steps it takes."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cases.http import AuthedRequest, casework
from cases.models import Operation
from cases.policy import Action, Actor, may
from cases.queries import operations as queries
from cases.queries.outcomes import outcomes_of
from cases.services import operations as services
from cases.services.errors import CaseworkError
from cases.states import OVER_OPERATIONS, InvalidTransition, OperationAction
from cases.web.forms_cases import ReasonForm
from cases.web.forms_operations import JoinForm, OperationForm

L = gettext_lazy
# Route -> action, right, heading, verb, service.
ACTS: dict[str, tuple[OperationAction, Action, Promise, Promise, Callable[..., Operation]]] = {
    "start": (
        OperationAction.START, Action.DECIDE_OPERATION,
        L("Start the operation"), L("Start"), services.start_operation,
    ),
    "action_day": (
        OperationAction.OPEN_ACTION_DAY, Action.DECIDE_OPERATION,
        L("Open the action day: the embargo ends"), L("Open action day"),
        services.open_action_day,
    ),
    "close": (
        OperationAction.CLOSE, Action.EDIT_OPERATION,
        L("Close the operation"), L("Close operation"), services.close_operation,
    ),
    "publish": (
        OperationAction.PUBLISH, Action.DECIDE_OPERATION,
        L("The public knows of the operation"), L("Mark as published"),
        services.publish_operation,
    ),
}  # fmt: skip


def _get(request: AuthedRequest, operation_id: UUID) -> Operation:
    operation: Operation = get_object_or_404(
        queries.operations_for_page(request.actor), public_id=operation_id
    )
    return operation


@require_safe
@casework
def operation_list(request: AuthedRequest) -> HttpResponse:
    context = {
        "rows": queries.operation_list(request.actor),
        "may_open": may(request.actor, Action.EDIT_OPERATION),
    }
    return render(request, "cases/operation_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def operation_new(request: AuthedRequest) -> HttpResponse:
    form = OperationForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            operation = services.open_operation(**form.operation(), by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            return redirect("operation_detail", operation.public_id)
    status = 422 if form.errors else 200
    return render(request, "cases/operation_form.html", {"form": form}, status=status)


@require_safe
@casework
def operation_detail(request: AuthedRequest, operation_id: UUID) -> HttpResponse:
    operation = _get(request, operation_id)
    page = queries.operation_page(operation, request.actor)
    context = {
        "operation": operation,
        "page": page,
        "ledger": page.row.ledger,
        "outcomes": outcomes_of(request.actor, [each.case.pk for each in page.cases]),
        "acts": _acts(operation, request.actor),
        "may_join": may(request.actor, Action.EDIT_OPERATION)
        and operation.state not in OVER_OPERATIONS,
    }
    return render(request, "cases/operation_detail.html", context)


def _acts(operation: Operation, actor: Actor) -> list[tuple[str, Promise]]:
    """(route, verb) of the steps that start here and that the actor may take."""
    legal = queries.operation_acts(operation)
    return [
        (f"operation_{name}", verb)
        for name, (action, right, _heading, verb, _do) in ACTS.items()
        if action in legal and may(actor, right)
    ]


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def operation_join(request: AuthedRequest, operation_id: UUID) -> HttpResponse:
    operation = _get(request, operation_id)
    data = request.POST if request.method == "POST" else None
    form = JoinForm(operation, request.actor, data)
    if form.is_valid():
        case = form.cases[form.cleaned_data["case"]]
        try:
            services.put_case(case, operation, reason=form.cleaned_data["reason"], by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            return redirect("operation_detail", operation.public_id)
    context = {"form": form, "operation": operation, "heading": _("Add a case"), "verb": _("Add")}
    status = 422 if form.errors else 200
    return render(request, "cases/operation_act.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def operation_act(request: AuthedRequest, operation_id: UUID, act: str) -> HttpResponse:
    operation = _get(request, operation_id)
    _action, _right, heading, verb, service = ACTS[act]
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            service(operation, reason=form.cleaned_data["reason"], by=request.actor)
        except (CaseworkError, InvalidTransition) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The operation was moved on."))
            return redirect("operation_detail", operation.public_id)
    context = {"form": form, "operation": operation, "heading": heading, "verb": verb}
    status = 422 if form.errors else 200
    return render(request, "cases/operation_act.html", context, status=status)


ONE = "operations/<uuid:operation_id>/"
urlpatterns = [
    path("operations/", operation_list, name="operation_list"),
    path("operations/new/", operation_new, name="operation_new"),
    path(ONE, operation_detail, name="operation_detail"),
    path(f"{ONE}cases/", operation_join, name="operation_join"),
    *(
        path(f"{ONE}{name}/", operation_act, {"act": name}, name=f"operation_{name}")
        for name in ACTS
    ),
]
