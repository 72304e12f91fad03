"""Approval policies: how many people of which roles decide an act; proposed and put in force."""

from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, making, one, route
from cases.api.fields import Body, PersonAnswer, Row, Text
from cases.api.proposals import STATES, proposal_routes
from cases.models import ApprovalPolicy
from cases.models.approval_policies import (
    LONGEST_HOURS,
    MOST_APPROVALS,
    POLICY_ACTIONS,
    POLICY_ROLES,
)
from cases.policy import Action, Actor
from cases.services import approval_policies as services

PEOPLE = ("proposed_by", "decided_by")
RIGHTS = (Action.PROPOSE_POLICY,)


def one_policy(_actor: Actor, policy_id: UUID) -> ApprovalPolicy:
    """The policy: a rule of the house, for whom the door is open. Raises Http404."""
    found: ApprovalPolicy = one(ApprovalPolicy.objects.select_related(*PEOPLE), public_id=policy_id)
    return found


class ApprovalPolicyAnswer(Row):
    """A rule of the house; it holds for acts worth more than `amount_over` (USD)."""

    id = serializers.UUIDField(source="public_id")
    action = serializers.ChoiceField(choices=POLICY_ACTIONS)
    roles = serializers.ChoiceField(choices=POLICY_ROLES)
    state = serializers.ChoiceField(choices=STATES)
    proposed_by = PersonAnswer()
    decided_by = PersonAnswer(allow_null=True)

    class Meta:
        model = ApprovalPolicy
        fields = [
            "id", "action", "amount_over", "min_approvals", "roles", "expires_after", "reason",
            "state", "proposed_by", "proposed_at", "decided_by", "decided_at", "content_hash",
        ]  # fmt: skip


class NewApprovalPolicyBody(Body):
    """A proposal: nothing changes before a second person puts it in force."""

    action = serializers.ChoiceField(choices=POLICY_ACTIONS)
    amount_over = serializers.DecimalField(max_digits=15, decimal_places=2, min_value=0)
    min_approvals = serializers.IntegerField(min_value=1, max_value=MOST_APPROVALS)
    roles = serializers.ChoiceField(choices=POLICY_ROLES, default=POLICY_ROLES[0][0])
    expires_after = serializers.IntegerField(min_value=1, max_value=LONGEST_HOURS)
    reason = Text()


class ApprovalPolicyFilter(FilterSet):
    """The list of policies."""

    action = ChoiceFilter(choices=POLICY_ACTIONS)
    state = ChoiceFilter(choices=STATES, field_name="state")


class ApprovalPolicies(Door):
    rights = RIGHTS
    calls = {
        "GET": Call(
            _("Approval policies, newest first"), ApprovalPolicyAnswer,
            filters=ApprovalPolicyFilter, is_page=True,
        ),
        "POST": making(
            _("Propose an approval policy"), ApprovalPolicyAnswer, NewApprovalPolicyBody
        ),
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        return self.page(ApprovalPolicy.objects.select_related(*PEOPLE), "proposed_at")

    def post(self, request: Request) -> HttpResponse:
        return self.once(lambda **values: services.propose_policy(**values, by=self.actor))


urlpatterns = [
    route("approval-policies", ApprovalPolicies, "approval_policy_list"),
    *proposal_routes(
        "approval-policies/<uuid:policy_id>", "approval_policy", one_policy, ApprovalPolicyAnswer,
        one=_("One approval policy"),
        approve=(
            services.approve_policy,
            _("Put a policy in force as a second person; asks for step-up"),
        ),
        reject=(services.reject_policy, _("Reject a proposed policy")),
        rights=RIGHTS,
    ),
]  # fmt: skip
