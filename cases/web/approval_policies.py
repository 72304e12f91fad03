"""Approval policies: how many people approve what; proposed by one person, decided by another."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cases.http import AuthedRequest, require_at_the_door
from cases.models import ApprovalPolicy
from cases.policy import Action, Actor
from cases.queries.approval_policies import policy_page
from cases.services.approval_policies import approve_policy, propose_policy, reject_policy
from cases.web.acts import Act, Fact
from cases.web.forms_approval_policies import PolicyForm
from cases.web.proposals import decide, decision_act, decision_paths, propose, with_decisions

for_proposers = require_at_the_door(Action.PROPOSE_POLICY)


@require_safe
@for_proposers
def approval_policy_list(request: AuthedRequest) -> HttpResponse:
    page = policy_page()
    acts = with_decisions(page.proposed, lambda policy, name: _act(request.actor, policy, name))
    return render(request, "cases/approval_policy_list.html", {"page": page, "proposed": acts})


@require_http_methods(["GET", "HEAD", "POST"])
@for_proposers
def approval_policy_new(request: AuthedRequest) -> HttpResponse:
    form = PolicyForm(request.POST if request.method == "POST" else None)
    return propose(
        request, form, lambda: propose_policy(**form.policy(), by=request.actor),
        "cases/approval_policy_form.html", "approval_policy_list",
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@for_proposers
def approval_policy_decide(request: AuthedRequest, policy_id: UUID, decision: str) -> HttpResponse:
    policy = get_object_or_404(ApprovalPolicy, public_id=policy_id)
    act = _act(request.actor, policy, decision)
    return decide(request, policy, decision, act, approve=approve_policy, reject=reject_policy)


def _act(actor: Actor, policy: ApprovalPolicy, name: str) -> Act:
    return decision_act(
        actor, policy, name, "approval_policy", permission=Action.DECIDE_POLICY,
        title=_("Put this policy in force?"),
        effect=_("From now on this many people approve each such act."),
        cancel_url=reverse("approval_policy_list"),
        facts=[
            Fact(_("What it is about"), policy.get_action_display()),
            Fact(_("For more than"), f"USD {policy.amount_over:,.2f}"),
            Fact(_("Who may decide"), policy.get_roles_display()),
            Fact(_("People who approve"), str(policy.min_approvals)),
            Fact(_("An approval lasts"), _("%(n)d hours") % {"n": policy.expires_after}),
            Fact(_("Reason"), policy.reason),
        ],
    )  # fmt: skip


ONE = "approval-policies/<uuid:policy_id>/"
urlpatterns = [
    path("approval-policies/", approval_policy_list, name="approval_policy_list"),
    path("approval-policies/new/", approval_policy_new, name="approval_policy_new"),
    *decision_paths(ONE, approval_policy_decide, "approval_policy"),
]
