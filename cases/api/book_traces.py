"""Money through the exchange's own books, as hops, holdings and a balance sheet by asset."""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.cases import one_case
from cases.api.door import Call, Door, route
from cases.api.fields import BaseUnits, Difference
from cases.api.filters import judged
from cases.models import ExchangeRecord
from cases.queries import book_traces as queries
from cases.queries.exposures import account_of_case
from cases.services.reads import BY_PROGRAM, keep_case_look
from tracing import reads

POLICIES = [(policy, policy) for policy in reads.POLICIES]


class BookHopAnswer(serializers.Serializer):
    """A line that moved followed units; without an account the money came in or went out.

    Amounts are base units: `amount` left in `asset`, `to_amount` arrived in `to_asset`.
    """

    ref = serializers.CharField(source="hop.line.ref")
    kind = serializers.CharField(source="hop.line.kind")
    at = serializers.DateTimeField(allow_null=True, help_text="null of what is held now")
    account = serializers.CharField(source="hop.line.account", allow_blank=True)
    masked = serializers.CharField(source="account.masked", default="", allow_blank=True)
    asset = serializers.CharField(source="hop.line.asset")
    units = BaseUnits(source="hop.line.units")
    amount = BaseUnits(source="hop.amount")
    low = BaseUnits(source="hop.low")
    high = BaseUnits(source="hop.high")
    fee = BaseUnits(source="hop.fee")
    to_account = serializers.CharField(source="hop.line.to_account", allow_blank=True)
    to_masked = serializers.CharField(source="to_account.masked", default="", allow_blank=True)
    to_asset = serializers.CharField(source="hop.line.to_asset")
    to_units = BaseUnits(source="hop.line.to_units")
    to_amount = BaseUnits(source="hop.to_amount")
    to_low = BaseUnits(source="hop.to_low")
    to_high = BaseUnits(source="hop.to_high")
    hops = serializers.IntegerField(source="hop.hops")
    status = serializers.CharField(source="hop.status")
    txid = serializers.CharField(allow_blank=True)
    address = serializers.CharField(allow_blank=True)


class BookHeldAnswer(serializers.Serializer):
    """What an account holds of an asset at the end, and how much of it is followed."""

    account = serializers.CharField(source="held.account")
    masked = serializers.CharField(source="account.masked")
    asset = serializers.CharField(source="held.asset")
    value = BaseUnits(source="held.value")
    amount = BaseUnits(source="held.amount")
    low = BaseUnits(source="held.low")
    high = BaseUnits(source="held.high")
    hops = serializers.IntegerField(source="held.hops")


class BookSheetAnswer(serializers.Serializer):
    """Of one asset: seeds + converted_in = held + left + converted_out + fees + cut, exactly.

    `difference` is null for poison, which multiplies value.
    """

    asset = serializers.CharField()
    seeds = BaseUnits()
    converted_in = BaseUnits()
    held = BaseUnits()
    left = BaseUnits()
    converted_out = BaseUnits()
    fees = BaseUnits()
    cut = serializers.DictField(child=BaseUnits())
    difference = Difference(allow_null=True)

    def to_representation(self, instance: queries.SheetRow) -> Any:
        sheet = instance.sheet
        difference = sheet.difference
        return {
            "asset": getattr(instance.asset, "asset", instance.asset),
            **{name: str(getattr(sheet, name)) for name in (
                "seeds", "converted_in", "held", "left", "converted_out", "fees"
            )},
            "cut": {reason: str(units) for reason, units in sheet.cut.items()},
            "difference": None if difference is None else str(difference),
        }  # fmt: skip


class BookTraceAnswer(serializers.Serializer):
    """Money followed through our records. `hops` are the first 500 of `num_hops`.

    `asked`: withdrawals that wait or were stopped, as if each were done alone with what is held.
    Backward hops stand last first, `left` of a sheet came in by deposits, `held` was there before.
    """

    policy = serializers.CharField(source="trace.policy")
    direction = serializers.CharField(source="trace.direction")
    run = serializers.UUIDField(allow_null=True)
    hops = BookHopAnswer(many=True)
    asked = BookHopAnswer(many=True)
    num_hops = serializers.IntegerField()
    held = BookHeldAnswer(many=True)
    sheets = BookSheetAnswer(many=True)
    unmet = serializers.ListField(child=serializers.CharField(), source="trace.unmet")
    num_unrecorded = serializers.IntegerField()
    num_accounts = serializers.IntegerField(source="trace.num_accounts")
    num_lines = serializers.IntegerField(source="trace.num_lines")
    result_sha256 = serializers.CharField(source="trace.result_sha256")


class BooksFilter(FilterSet):
    """How the deposits of an account are followed."""

    policy = ChoiceFilter(choices=POLICIES, help_text=_("haircut if it is not given"))
    what = ChoiceFilter(
        choices=[(each, each) for each in queries.WHATS],
        help_text=_("deposits onward if it is not given; held and withdrawals go back"),
    )


class CaseBooks(Door):
    calls = {
        "GET": Call(
            _("Follow what the lead run reached through our records, by its policy"),
            BookTraceAnswer, errors=(422,),
        )
    }  # fmt: skip

    def get(self, request: Request, case_id: UUID) -> Response:
        case = one_case(self.actor, case_id)
        view = queries.case_books(case)
        if view is None:
            raise Http404
        keep_case_look(case, self.route, by=self.actor, purpose=BY_PROGRAM)
        return self.tell(view)


class AccountBooks(Door):
    calls = {
        "GET": Call(
            _("Follow money of an account of a case through our records, onward or back"),
            BookTraceAnswer, filters=BooksFilter, errors=(422,),
        )
    }  # fmt: skip

    def get(self, request: Request, case_id: UUID, account_id: UUID) -> Response:
        case = one_case(self.actor, case_id)
        account = account_of_case(case, account_id)
        if account is None:
            raise Http404
        asked = judged(BooksFilter, request, ExchangeRecord.objects.none()).form.cleaned_data
        policy = asked["policy"] or "haircut"
        what = asked["what"] or queries.DEPOSITS
        keep_case_look(case, self.route, by=self.actor, purpose=BY_PROGRAM)
        return self.tell(queries.account_books(account, policy, what=what))


urlpatterns = [
    route("cases/<uuid:case_id>/books", CaseBooks, "case_books"),
    route("cases/<uuid:case_id>/accounts/<uuid:account_id>/books", AccountBooks, "account_books"),
]
