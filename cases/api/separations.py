"""Separations: two clusters said to be two owners', decided by a second person."""

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
from cases.models import Separation
from cases.policy import Actor
from cases.queries.separations import visible_separations
from cases.services import separations as services
from cases.states import TagState


def one_separation(actor: Actor, separation_id: UUID) -> Separation:
    """The separation if the person may see its case. Raises Http404."""
    found: Separation = one(visible_separations(actor), public_id=separation_id)
    return found


class JoinAnswer(serializers.Serializer):
    """A transaction that joined the two, and whether it spends coins of both of them itself."""

    txid = serializers.CharField()
    both = serializers.BooleanField()


class SeparationAnswer(Row):
    """Which two addresses, what joined them, what it rests on, who said so and who decided."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    joins = JoinAnswer(many=True, source="rows")
    asked_by = PersonAnswer()
    decided_by = PersonAnswer(allow_null=True)

    class Meta:
        model = Separation
        fields = [
            "id", "case", "ledger", "first", "second", "joins", "basis", "state", "asked_by",
            "asked_at", "reason", "decided_by", "decided_at", "decision",
        ]  # fmt: skip


class NewSeparationBody(Body):
    """The other address, why they are two owners, and what that rests on."""

    other = Text(max_length=120)
    reason = Text(max_length=500)
    basis = Text(max_length=500)


class SeparationReasonBody(Body):
    """A decision carries its reason."""

    reason = Text(max_length=500)


class SeparationFilter(FilterSet):
    """The list of separations."""

    case = UUIDFilter(field_name="case__public_id")
    state = ChoiceFilter(choices=[(state.value, state.value) for state in TagState])


class Separations(Door):
    calls = {
        "GET": Call(
            _("Separations in the cases you may see, newest first"), SeparationAnswer,
            filters=SeparationFilter, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        return self.page(visible_separations(self.actor), "asked_at")


class WalletSeparations(Door):
    calls = {
        "POST": making(
            _("Propose that a wallet's address and another one are two owners'"), SeparationAnswer,
            NewSeparationBody,
        )
    }  # fmt: skip

    def post(self, request: Request, wallet_id: UUID) -> HttpResponse:
        wallet = one_wallet(self.actor, wallet_id)
        return self.once(
            lambda **values: services.propose_separation(wallet, **values, by=self.actor)
        )


ONE = "separations/<uuid:separation_id>"
STEPS = (
    ("activate", services.activate_separation, _("Hold two apart as a second person")),
    ("refuse", services.refuse_separation, _("Refuse a separation as a second person")),
    ("dispute", services.dispute_separation, _("Dispute a separation")),
    ("retract", services.retract_separation, _("Take a separation back as a second person")),
)
urlpatterns = [
    route("separations", Separations, "separation_list"),
    route("wallets/<uuid:wallet_id>/separations", WalletSeparations, "separation_propose"),
    route(
        ONE, One, "separation_detail", find=one_separation,
        calls={"GET": Call(_("One separation"), SeparationAnswer)},
    ),
    *(
        route(
            f"{ONE}/{name}", Step, f"separation_{name}", find=one_separation, service=service,
            calls={"POST": writing(words, SeparationAnswer, SeparationReasonBody)},
        )
        for name, service, words in STEPS
    ),
]  # fmt: skip
