"""The ties of an account of a case to others, and how long money stayed in it."""

from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.cases import one_case
from cases.api.door import Call, Door, route
from cases.api.fields import Decimals, Seconds
from cases.queries.account_links import ties_of
from cases.queries.exposures import account_of_case
from cases.services.reads import BY_PROGRAM, keep_case_look


class TieAnswer(serializers.Serializer):
    """Another account, masked, what ties it, and the records it rests on."""

    account = serializers.UUIDField(source="account.public_id")
    masked = serializers.CharField(source="account.masked")
    kind = serializers.CharField()
    basis = serializers.CharField(allow_blank=True)
    num_records = serializers.IntegerField()
    first_at = serializers.DateTimeField(allow_null=True)
    last_at = serializers.DateTimeField(allow_null=True)


class PassThroughAnswer(serializers.Serializer):
    """How long money of an asset stayed, from coming in to the next going out."""

    asset = serializers.CharField()
    decimals = Decimals()
    num_passes = serializers.IntegerField()
    shortest = Seconds()
    middle = Seconds()


class AccountTiesAnswer(serializers.Serializer):
    """Ties of an account; `is_cut` where only its newest 20,000 records were looked at."""

    ties = TieAnswer(many=True)
    passes = PassThroughAnswer(many=True)
    is_cut = serializers.BooleanField()


class AccountLinks(Door):
    calls = {
        "GET": Call(_("What ties an account of a case to others; all masked"), AccountTiesAnswer)
    }

    def get(self, request: Request, case_id: UUID, account_id: UUID) -> Response:
        case = one_case(self.actor, case_id)
        account = account_of_case(case, account_id)
        if account is None:
            raise Http404
        keep_case_look(case, self.route, by=self.actor, purpose=BY_PROGRAM)
        return self.tell(ties_of(account))


urlpatterns = [
    route("cases/<uuid:case_id>/accounts/<uuid:account_id>/links", AccountLinks, "account_links")
]
