"""Exposure of a case and of a customer of the exchange, by ledger and category."""

from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.cases import one_case
from cases.api.door import Call, Door, route
from cases.api.wallets import ExposureAnswer
from cases.queries import exposures as queries


class LedgerExposureAnswer(serializers.Serializer):
    """Exposure on one ledger; `view` is null where the loaded ledger holds nothing of it."""

    ledger = serializers.CharField()
    view = ExposureAnswer(allow_null=True)
    num_left_out = serializers.IntegerField()


class ExposuresAnswer(serializers.Serializer):
    """Exposure by ledger: amounts of different ledgers do not add up."""

    ledgers = LedgerExposureAnswer(many=True)


class CaseExposure(Door):
    calls = {"GET": Call(_("Exposure of a case's wallets together"), ExposuresAnswer)}

    def get(self, request: Request, case_id: UUID) -> Response:
        found = queries.case_exposure(one_case(self.actor, case_id))
        return self.tell({"ledgers": found})


class CustomerExposure(Door):
    calls = {
        "GET": Call(_("Exposure of the customer behind an account of a case"), ExposuresAnswer)
    }  # fmt: skip

    def get(self, request: Request, case_id: UUID, account_id: UUID) -> Response:
        account = queries.account_of_case(one_case(self.actor, case_id), account_id)
        if account is None:
            raise Http404
        return self.tell({"ledgers": queries.customer_exposure(account)})


urlpatterns = [
    route("cases/<uuid:case_id>/exposure", CaseExposure, "case_exposure"),
    route(
        "cases/<uuid:case_id>/accounts/<uuid:account_id>/exposure", CustomerExposure,
        "customer_exposure",
    ),
]  # fmt: skip
