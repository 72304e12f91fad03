"""Tags of the house: proposed on a wallet, decided by a second person."""

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
from cases.models import HouseTag
from cases.policy import Actor
from cases.services import tags as services
from cases.states import TagState

PEOPLE = ("case", "asked_by", "decided_by")


def one_tag(actor: Actor, tag_id: UUID) -> HouseTag:
    """The tag if the person may see its case. Raises Http404."""
    rows = HouseTag.objects.visible_to(actor).select_related(*PEOPLE)
    found: HouseTag = one(rows, public_id=tag_id)
    return found


class TagAnswer(Row):
    """What the house says, or may come to say, of an address."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    asked_by = PersonAnswer()
    decided_by = PersonAnswer(allow_null=True)

    class Meta:
        model = HouseTag
        ref_name = "HouseTagAnswer"
        fields = [
            "id", "case", "ledger", "address", "label", "category", "confidence", "source",
            "state", "asked_by", "asked_at", "reason", "decided_by", "decided_at", "decision",
        ]  # fmt: skip


class NewTagBody(Body):
    """Whose address it is, how sure, and where that can be checked."""

    label = Text(max_length=120)
    category = serializers.ChoiceField(choices=services.CATEGORIES)
    confidence = serializers.ChoiceField(choices=services.LEVELS)
    source = Text(max_length=300)
    reason = Text(max_length=500)


class ReasonBody(Body):
    """A decision carries its reason."""

    reason = Text(max_length=500)


class TagFilter(FilterSet):
    """The list of tags."""

    case = UUIDFilter(field_name="case__public_id")
    state = ChoiceFilter(choices=[(state.value, state.value) for state in TagState])


class Tags(Door):
    calls = {
        "GET": Call(
            _("Tags of the house in the cases you may see, newest first"), TagAnswer,
            filters=TagFilter, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = HouseTag.objects.visible_to(self.actor).select_related(*PEOPLE)
        return self.page(rows, "asked_at")


class WalletTagProposals(Door):
    calls = {"POST": making(_("Propose a tag on a wallet's address"), TagAnswer, NewTagBody)}

    def post(self, request: Request, wallet_id: UUID) -> HttpResponse:
        wallet = one_wallet(self.actor, wallet_id)
        return self.once(lambda **values: services.propose_tag(wallet, **values, by=self.actor))


ONE = "house-tags/<uuid:tag_id>"
STEPS = (
    ("activate", services.activate_tag, _("Publish a tag as a second person")),
    ("refuse", services.refuse_tag, _("Refuse a proposal as a second person")),
    ("dispute", services.dispute_tag, _("Dispute an active tag")),
    ("retract", services.retract_tag, _("Take a disputed tag back as a second person")),
)
urlpatterns = [
    route("house-tags", Tags, "tag_list"),
    route("wallets/<uuid:wallet_id>/house-tags", WalletTagProposals, "tag_propose"),
    route(
        ONE, One, "tag_detail", find=one_tag, calls={"GET": Call(_("One tag"), TagAnswer)}
    ),
    *(
        route(
            f"{ONE}/{name}", Step, f"tag_{name}", find=one_tag, service=service,
            calls={"POST": writing(words, TagAnswer, ReasonBody)},
        )
        for name, service, words in STEPS
    ),
]  # fmt: skip
