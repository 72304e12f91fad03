"""Wallets of cases; labels and exposure of an address."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet, UUIDFilter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.cases import one_case
from cases.api.door import Call, Door, One, making, one, route
from cases.api.fields import BaseUnits, Body, CaseName, PersonAnswer, Row, Text
from cases.models import Wallet
from cases.models.wallets import WALLET_ROLES
from cases.policy import Action, Actor
from cases.queries.wallet_scores import wallet_score
from cases.queries.wallets import exposure_of
from cases.services.reads import BY_PROGRAM, keep_case_look
from cases.services.wallets import add_wallet
from tracing import reads

PROVENANCES = Wallet._meta.get_field("provenance").choices or []


def one_wallet(actor: Actor, wallet_id: UUID) -> Wallet:
    """The wallet if the person may see its case. Raises Http404."""
    rows = Wallet.objects.visible_to(actor).select_related("case", "added_by")
    found: Wallet = one(rows, public_id=wallet_id)
    return found


class WalletAnswer(Row):
    """An address, or the cluster it stands for, in one case."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    added_by = PersonAnswer()

    class Meta:
        model = Wallet
        fields = [
            "id", "case", "ledger", "address", "is_cluster", "label", "role", "provenance",
            "provenance_note", "added_by", "added_at",
        ]  # fmt: skip


class NewWalletBody(Body):
    """An address with its role and where it came from."""

    address = Text(max_length=100)
    role = serializers.ChoiceField(choices=WALLET_ROLES)
    label = Text(max_length=80, required=False, allow_blank=True, default="")
    provenance = serializers.ChoiceField(choices=PROVENANCES)
    provenance_note = Text(max_length=200)
    is_cluster = serializers.BooleanField(required=False, default=False)


class WalletFilter(FilterSet):
    """The list of wallets."""

    case = UUIDFilter(field_name="case__public_id")
    role = ChoiceFilter(choices=WALLET_ROLES, field_name="role")


class Wallets(Door):
    calls = {
        "GET": Call(
            _("Wallets of the cases you may see, newest first"), WalletAnswer,
            filters=WalletFilter, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = Wallet.objects.visible_to(self.actor).select_related("case", "added_by")
        return self.page(rows, "added_at")


class CaseWallets(Door):
    calls = {"POST": making(_("Add a wallet to a case"), WalletAnswer, NewWalletBody)}

    def post(self, request: Request, case_id: UUID) -> HttpResponse:
        case = one_case(self.actor, case_id)
        return self.once(lambda **values: add_wallet(case, **values, by=self.actor))


class ExposureRowAnswer(serializers.Serializer):
    """One category in one direction at one distance, with sound bounds, in one asset (CAIP-19)."""

    direction = serializers.ChoiceField(choices=["received", "sent"])
    category = serializers.CharField()
    asset = serializers.CharField()
    is_direct = serializers.BooleanField()
    amount = BaseUnits()
    low = BaseUnits()
    high = BaseUnits()


class ExposureAnswer(serializers.Serializer):
    """Exposure by category, at a height of the ledger. Amounts in base units of their asset."""

    rows = ExposureRowAnswer(many=True)
    num_addresses = serializers.IntegerField()
    height = serializers.IntegerField()
    is_cut = serializers.BooleanField()


class TagAnswer(serializers.Serializer):
    """What a tag pack says of an address; `via` names the tagged one where it is inherited."""

    label = serializers.CharField()
    category = serializers.CharField()
    confidence = serializers.CharField()
    source = serializers.CharField()
    pack = serializers.CharField()
    via = serializers.CharField()


class SanctionAnswer(serializers.Serializer):
    """An entry of a sanctions list."""

    list = serializers.CharField()
    entry = serializers.CharField()
    listed_on = serializers.DateField(allow_null=True)
    via = serializers.CharField()


class TagsAnswer(serializers.Serializer):
    """Labels of an address: its own, and those of its co-spend cluster.

    `conflict` holds those that name different keepers; `overruled` what the house decided against;
    `across` what is said of clusters with which a merge was withheld because tags speak against it.
    """

    address = serializers.CharField()
    direct = TagAnswer(many=True)
    inherited = TagAnswer(many=True)
    sanctions = SanctionAnswer(many=True)
    inherited_sanctions = SanctionAnswer(many=True)
    overruled = TagAnswer(many=True)
    across = TagAnswer(many=True)
    conflict = TagAnswer(many=True)


class WalletExposure(Door):
    calls = {"GET": Call(_("Exposure of a wallet by category"), ExposureAnswer, errors=(422,))}

    def get(self, request: Request, wallet_id: UUID) -> Response:
        view = exposure_of(one_wallet(self.actor, wallet_id))
        if view is None:
            raise Http404
        return self.tell(view)


class WalletTags(Door):
    calls = {"GET": Call(_("Labels of a wallet's address"), TagsAnswer, errors=(422,))}

    def get(self, request: Request, wallet_id: UUID) -> Response:
        wallet = one_wallet(self.actor, wallet_id)
        found = reads.tags_of(wallet.ledger, [wallet.address])
        return self.tell(found.get(wallet.address) or reads.AddressTags(wallet.address))


class MovedByAnswer(serializers.Serializer):
    """A figure that moved the points: in words, its value, which way, and its log-odds."""

    name = serializers.CharField()
    words = serializers.CharField()
    value = serializers.CharField()
    way = serializers.ChoiceField(choices=["raises", "lowers"])
    weight = serializers.CharField()


class FigureAnswer(serializers.Serializer):
    """One figure that the score looked at."""

    name = serializers.CharField()
    words = serializers.CharField()
    value = serializers.CharField()


class WalletScoreAnswer(serializers.Serializer):
    """The learned score of a wallet: points of 1000, and why. A hint, and no evidence."""

    model = serializers.CharField()
    points = serializers.IntegerField()
    reasons = MovedByAnswer(many=True)
    figures = FigureAnswer(many=True)
    num_addresses = serializers.IntegerField()
    is_cut = serializers.BooleanField()


class WalletScoreDoor(Door):
    rights = (Action.TRIAGE_ALERT,)
    calls = {
        "GET": Call(
            _("Learned score of a wallet; 404 without a model or where it was never paid"),
            WalletScoreAnswer, errors=(422,),
        )
    }  # fmt: skip

    def get(self, request: Request, wallet_id: UUID) -> Response:
        wallet = one_wallet(self.actor, wallet_id)
        score = wallet_score(wallet, self.actor)
        if not score.figures:
            raise Http404
        keep_case_look(wallet.case, self.route, by=self.actor, purpose=BY_PROGRAM)
        return self.tell(score)


class AddressBody(Body):
    """An address. It is sent in the body, so that it stands in no address line."""

    address = Text(max_length=100)


class AddressAnswer(serializers.Serializer):
    """What the loaded ledger and the labels say of an address; null where it was never seen."""

    ledger = serializers.CharField()
    address = serializers.CharField()
    tags = TagsAnswer(allow_null=True)
    exposure = ExposureAnswer(allow_null=True)


class Addresses(Door):
    calls = {
        "POST": Call(
            _("Look up labels and exposure of an address; nothing is written"), AddressAnswer,
            AddressBody, errors=(422,),
        )
    }  # fmt: skip

    def post(self, request: Request) -> Response:
        parsed = reads.parse_address(self.read()["address"])
        told: dict[str, object] = {"ledger": parsed.ledger, "address": parsed.canonical}
        told |= {"tags": None, "exposure": None}
        if parsed.ledger in {each.name for each in reads.ledgers()}:
            found = reads.tags_of(parsed.ledger, [parsed.canonical])
            told["tags"] = found.get(parsed.canonical)
            told["exposure"] = reads.wallet_exposure(parsed.ledger, parsed.canonical)
        return self.tell(told)


ONE = "wallets/<uuid:wallet_id>"
urlpatterns = [
    route("wallets", Wallets, "wallet_list"),
    route("cases/<uuid:case_id>/wallets", CaseWallets, "wallet_add"),
    route(
        ONE, One, "wallet_detail", find=one_wallet,
        calls={"GET": Call(_("One wallet"), WalletAnswer)},
    ),
    route(f"{ONE}/exposure", WalletExposure, "wallet_exposure"),
    route(f"{ONE}/score", WalletScoreDoor, "wallet_score"),
    route(f"{ONE}/tags", WalletTags, "wallet_tags"),
    route("address-lookups", Addresses, "address_lookup"),
]  # fmt: skip
