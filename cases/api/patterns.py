"""Patterns that fit a wallet's address by its movements: hints, no proofs."""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, route
from cases.api.wallets import one_wallet
from cases.services.reads import BY_PROGRAM, keep_case_look
from tracing import reads


class PatternFactAnswer(serializers.Serializer):
    """A fact by its name: a count, seconds, an amount in base units, or an address."""

    name = serializers.CharField()
    value = serializers.CharField()

    def to_representation(self, instance: tuple[str, str]) -> Any:
        return {"name": instance[0], "value": instance[1]}


class PatternAnswer(serializers.Serializer):
    """One pattern with the figures that made it fit and the movements it rests on."""

    kind = serializers.CharField()
    confidence = serializers.CharField()
    facts = PatternFactAnswer(many=True)
    places = serializers.ListField(child=serializers.CharField())


class UnitAnswer(serializers.Serializer):
    """What the amounts are of."""

    asset = serializers.CharField()
    symbol = serializers.CharField()
    decimals = serializers.IntegerField()


class AssetPatternsAnswer(serializers.Serializer):
    """The patterns in one asset."""

    unit = UnitAnswer()
    patterns = PatternAnswer(many=True)


class AddressPatternsAnswer(serializers.Serializer):
    """What fits an address; `is_cut` where only its newest movements were looked at."""

    assets = AssetPatternsAnswer(many=True)
    num_movements = serializers.IntegerField()
    is_cut = serializers.BooleanField()


class WalletPatterns(Door):
    calls = {
        "GET": Call(
            _("Patterns of a wallet's address, by asset"), AddressPatternsAnswer, errors=(422,)
        )
    }

    def get(self, request: Request, wallet_id: UUID) -> Response:
        wallet = one_wallet(self.actor, wallet_id)
        if wallet.ledger not in {each.name for each in reads.ledgers()}:
            raise Http404
        keep_case_look(wallet.case, self.route, by=self.actor, purpose=BY_PROGRAM)
        return self.tell(reads.address_patterns(wallet.ledger, wallet.address))


urlpatterns = [route("wallets/<uuid:wallet_id>/patterns", WalletPatterns, "wallet_patterns")]
