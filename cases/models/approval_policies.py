"""Approval policies: how many people approve what, from which worth on, and for how long (E1)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases.models.base import state_is_known
from cases.models.proposals import Proposal, decided_by_a_second_person
from cases.states import PolicyState

POLICY_ACTIONS = [
    ("approve_freeze", _("Freezes and provisional holds")),
    ("extend_freeze", _("Extensions of freezes")),
    ("release_freeze", _("Releases of freezes")),
]
POLICY_ROLES = [
    ("compliance", _("Compliance")),
    ("compliance supervisor", _("Compliance and supervisors")),
]
MOST_APPROVALS = 3
LONGEST_HOURS = 168


class ApprovalPolicy(Proposal):
    """One rule as one person proposed it and another put it in force; never edited.

    It holds for acts worth more than `amount_over` (USD); 0 holds for all of them.
    """

    action = models.CharField(max_length=20, choices=POLICY_ACTIONS)
    amount_over = models.DecimalField(max_digits=20, decimal_places=2, default=0)
    # Who may decide such an act; never nobody of compliance.
    roles = models.CharField(max_length=24, choices=POLICY_ROLES, default=POLICY_ROLES[0][0])
    min_approvals = models.PositiveSmallIntegerField()
    expires_after = models.PositiveSmallIntegerField()  # hours

    class Meta:
        constraints = [
            state_is_known("approval_policy_state_is_known", PolicyState),
            models.UniqueConstraint(
                name="one_policy_in_force", fields=["action", "amount_over"],
                condition=Q(state="in_force"),
            ),
            models.UniqueConstraint(
                name="one_policy_proposed", fields=["action", "amount_over"],
                condition=Q(state="proposed"),
            ),
            decided_by_a_second_person("policy_decided_by_a_second_person"),
            models.CheckConstraint(
                name="policy_roles_are_known",
                condition=Q(roles__in=[roles for roles, _words in POLICY_ROLES]),
            ),
            models.CheckConstraint(
                name="policy_numbers_make_sense",
                condition=Q(
                    min_approvals__gte=1, min_approvals__lte=MOST_APPROVALS,
                    expires_after__gte=1, expires_after__lte=LONGEST_HOURS, amount_over__gte=0,
                ),
            ),
        ]  # fmt: skip
