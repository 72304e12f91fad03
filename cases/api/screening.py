"""Screening a list of addresses in one call; it is sent in the body."""

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, route
from cases.api.fields import BaseUnits, Body, Text
from cases.api.wallets import TagsAnswer
from cases.queries.screening import MOST, Rank, TooManyAddresses, screen
from cases.services.errors import CaseworkError
from cases.services.reads import BY_PROGRAM, keep_screening

LONGEST = 120
RESULTS = [rank.name.lower() for rank in Rank]


class ScreeningBody(Body):
    """Addresses of any chain that is kept, in any of their forms."""

    addresses = serializers.ListField(child=Text(max_length=LONGEST), min_length=1, max_length=MOST)


class FiguresAnswer(serializers.Serializer):
    """What a loaded ledger says of it."""

    received = BaseUnits()
    sent = BaseUnits()
    num_tx = serializers.IntegerField()
    last_at = serializers.DateTimeField()


class WalletIdAnswer(serializers.Serializer):
    """A wallet of a case that you may see."""

    id = serializers.UUIDField(source="public_id")


class ScreenedAnswer(serializers.Serializer):
    """One address, once; `line` is the first place in the list where it stands, from 1."""

    line = serializers.IntegerField(source="number")
    ledger = serializers.CharField(source="address.ledger")
    address = serializers.CharField(source="address.canonical")
    result = serializers.ChoiceField(choices=RESULTS)
    tags = TagsAnswer(allow_null=True)
    figures = FiguresAnswer(source="summary", allow_null=True)
    own = serializers.CharField(help_text="hot, cold or sweep, where it is the exchange's own")
    accounts = serializers.ListField(child=serializers.CharField())
    wallets = WalletIdAnswer(many=True)


class RejectedAnswer(serializers.Serializer):
    """An entry that is no address, with its reason."""

    line = serializers.IntegerField(source="number")
    text = serializers.CharField()
    reason = serializers.CharField()


class ScreeningAnswer(serializers.Serializer):
    """Each address once, what asks for a person first, and every entry that is none."""

    lines = ScreenedAnswer(many=True)
    rejected = RejectedAnswer(many=True)


class Screenings(Door):
    calls = {
        "POST": Call(
            _("Screen a list of addresses; that you did is kept"), ScreeningAnswer, ScreeningBody,
            errors=(422,),
        )
    }  # fmt: skip

    def post(self, request: Request) -> Response:
        # One entry a line: what a program sends in one entry is one address or none.
        entries = [" ".join(each.split()) for each in self.read()["addresses"]]
        try:
            found = screen("\n".join(entries), self.actor)
        except TooManyAddresses as error:  # an entry may hold several
            raise CaseworkError(str(error)) from None
        keep_screening(
            [line.address.canonical for line in found.lines], by=self.actor, purpose=BY_PROGRAM
        )
        return self.tell(found)


urlpatterns = [route("screenings", Screenings, "screening")]
