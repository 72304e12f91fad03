"""The search box for programs: sent by POST, so that no name stands in an address line."""

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, route
from cases.api.fields import Body, Text
from cases.queries.search import search
from cases.services.reads import BY_PROGRAM, keep_search

LONGEST = 200


class SearchBody(Body):
    """A reference, an address, a transaction, the end of an account number, or words."""

    q = Text(max_length=LONGEST)


class NamedAnswer(serializers.Serializer):
    """A row that the text names."""

    id = serializers.UUIDField(source="public_id")
    reference = serializers.CharField()


class FoundWalletAnswer(serializers.Serializer):
    """A wallet that the text names."""

    id = serializers.UUIDField(source="public_id")
    ledger = serializers.CharField()
    address = serializers.CharField()
    label = serializers.CharField(allow_blank=True)


class FoundAnswer(serializers.Serializer):
    """What the text was taken for and which rows of yours it names, at most 20 of a kind."""

    kind = serializers.CharField()
    cases = NamedAnswer(many=True)
    wallets = FoundWalletAnswer(many=True)
    suspects = NamedAnswer(many=True)
    findings = NamedAnswer(many=True)
    freezes = NamedAnswer(many=True)
    referrals = NamedAnswer(many=True)
    operations = NamedAnswer(many=True)
    requests = NamedAnswer(many=True)


class Search(Door):
    calls = {
        "POST": Call(
            _("Look a text up; that you did is kept"), FoundAnswer, SearchBody, errors=(422,)
        )
    }

    def post(self, request: Request) -> Response:
        found = search(self.read()["q"], self.actor)
        keep_search(found.kind, found.text, by=self.actor, purpose=BY_PROGRAM)
        return self.tell(found)


urlpatterns = [route("search", Search, "search")]
