"""Conflicts of tags: a resolution proposed on a wallet's address, decided by a second person."""

from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet, UUIDFilter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, One, Step, making, one, route, writing
from cases.api.fields import Body, CaseName, PersonAnswer, Row, Text
from cases.api.wallets import one_wallet
from cases.models import TagConflict
from cases.policy import Actor
from cases.services import tag_conflicts as services
from cases.states import TagState

PEOPLE = ("case", "asked_by", "decided_by")


def one_conflict(actor: Actor, conflict_id: UUID) -> TagConflict:
    """The conflict if the person may see its case. Raises Http404."""
    rows = TagConflict.objects.visible_to(actor).select_related(*PEOPLE)
    found: TagConflict = one(rows, public_id=conflict_id)
    return found


class SideAnswer(serializers.Serializer):
    """One of the names side by side, and whether it is the one that holds."""

    label = serializers.CharField()
    category = serializers.CharField()
    level = serializers.IntegerField()
    confidence = serializers.CharField()
    pack = serializers.CharField()
    pack_sha256 = serializers.CharField()
    num_claims = serializers.IntegerField()
    holds = serializers.BooleanField()


class TagConflictAnswer(Row):
    """What stood side by side, which of it holds, who said so and who decided."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    sides = SideAnswer(many=True, source="rows")
    asked_by = PersonAnswer()
    decided_by = PersonAnswer(allow_null=True)

    class Meta:
        model = TagConflict
        fields = [
            "id", "case", "ledger", "address", "keep", "sides", "claims_sha256", "state",
            "asked_by", "asked_at", "reason", "decided_by", "decided_at", "decision",
        ]  # fmt: skip


class NewResolutionBody(Body):
    """Which side holds, empty for none of them, and why."""

    keep = Text(max_length=200, allow_blank=True)
    reason = Text(max_length=500)


class ResolutionReasonBody(Body):
    """A decision carries its reason."""

    reason = Text(max_length=500)


class TagConflictFilter(FilterSet):
    """The list of conflicts."""

    case = UUIDFilter(field_name="case__public_id")
    state = ChoiceFilter(choices=[(state.value, state.value) for state in TagState])


class TagConflicts(Door):
    calls = {
        "GET": Call(
            _("Conflicts of tags in the cases you may see, newest first"), TagConflictAnswer,
            filters=TagConflictFilter, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = TagConflict.objects.visible_to(self.actor).select_related(*PEOPLE)
        return self.page(rows, "asked_at")


class WalletResolutions(Door):
    calls = {
        "POST": making(
            _("Propose which of several names holds for a wallet's address"), TagConflictAnswer,
            NewResolutionBody,
        )
    }  # fmt: skip

    def post(self, request: Request, wallet_id: UUID) -> HttpResponse:
        wallet = one_wallet(self.actor, wallet_id)
        return self.once(
            lambda **values: services.propose_resolution(wallet, **values, by=self.actor)
        )


ONE = "tag-conflicts/<uuid:conflict_id>"
STEPS = (
    ("activate", services.activate_resolution, _("Resolve a conflict as a second person")),
    ("refuse", services.refuse_resolution, _("Refuse a resolution as a second person")),
    ("dispute", services.dispute_resolution, _("Dispute a resolution")),
    ("retract", services.retract_resolution, _("Take a resolution back as a second person")),
)
urlpatterns = [
    route("tag-conflicts", TagConflicts, "tag_conflict_list"),
    route("wallets/<uuid:wallet_id>/tag-conflicts", WalletResolutions, "tag_conflict_propose"),
    route(
        ONE, One, "tag_conflict_detail", find=one_conflict,
        calls={"GET": Call(_("One conflict of tags"), TagConflictAnswer)},
    ),
    *(
        route(
            f"{ONE}/{name}", Step, f"tag_conflict_{name}", find=one_conflict, service=service,
            calls={"POST": writing(words, TagConflictAnswer, ResolutionReasonBody)},
        )
        for name, service, words in STEPS
    ),
]  # fmt: skip
