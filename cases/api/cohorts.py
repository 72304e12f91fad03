"""Cohorts of a platform: built, read by tier, exported masked, split into referrals."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet, UUIDFilter
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.cases import one_case
from cases.api.door import Call, Door, making, one, route
from cases.api.fields import (
    BaseUnits,
    Body,
    CaseName,
    Decimals,
    Moment,
    Nothing,
    PersonAnswer,
    Row,
    Text,
)
from cases.api.filters import Truth
from cases.api.named import UNKNOWN, Agency, Visible
from cases.api.referrals import ReferralAnswer
from cases.api.suspects import CustomerAnswer, PurposeBody
from cases.models import Cohort, CohortMember, CohortPayment, Finding, Referral, Wallet
from cases.models.cohorts import TIERS
from cases.policy import Actor
from cases.queries import cohorts as queries
from cases.services.cohort_split import split_cohort
from cases.services.cohorts import build_cohort, export_cohort
from cases.services.reads import BY_PROGRAM, keep_case_look
from cases.services.suspects import reveal_customer

MOST_PACKAGES = 20
LARGEST_PACKAGE = 10**38 - 1  # base units: above all there is of any asset


def one_cohort(actor: Actor, cohort_id: UUID) -> Cohort:
    """The cohort if the person may see its case. Raises Http404."""
    rows = queries.visible_cohort(actor, cohort_id).select_related("case", "built_by")
    found: Cohort = one(rows)
    return found


class CohortAnswer(Row):
    """What was asked, on which addresses, packs and block; amounts in base units of `asset`."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    decimals = Decimals()
    packages = serializers.ListField(child=BaseUnits())
    wallets = serializers.ListField(child=serializers.UUIDField())
    tag_packs = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()), help_text="[name, SHA-256]"
    )
    built_by = PersonAnswer()

    class Meta:
        model = Cohort
        fields = [
            "id", "case", "platform", "ledger", "asset", "decimals", "packages", "from_at",
            "to_at", "wallets", "num_addresses", "num_disputed", "addresses_sha256", "tag_packs",
            "height", "block_hash", "num_payments", "built_by", "built_at",
        ]  # fmt: skip


class PartAnswer(serializers.Serializer):
    """One group of members with its sums: exportable, a tier, kept-out or payee."""

    part = serializers.CharField(source="key")
    num_members = serializers.IntegerField()
    num_payments = serializers.IntegerField()
    amount = BaseUnits()
    num_payouts = serializers.IntegerField()
    received = BaseUnits()


class CountryAnswer(serializers.Serializer):
    """How many who may be exported live in a country."""

    country = serializers.CharField()
    num_members = serializers.IntegerField()

    def to_representation(self, instance: tuple[str, int]) -> Any:
        return {"country": instance[0], "num_members": instance[1]}


class CohortDetailAnswer(serializers.Serializer):
    """A cohort with the sums of its groups."""

    cohort = CohortAnswer()
    parts = PartAnswer(many=True)
    countries = CountryAnswer(many=True)


class CohortMemberAnswer(Row):
    """A customer who paid the platform, masked, with how sure and what else would explain it.

    Who only was paid by it has `kept_out` payee and the tier and times of its payouts.
    """

    id = serializers.UUIDField(source="public_id")
    account = serializers.UUIDField(source="account.public_id")
    masked = serializers.CharField(source="account.masked")
    path_length = serializers.IntegerField(help_text="transactions to the platform")
    alternative = serializers.SerializerMethodField()

    class Meta:
        model = CohortMember
        fields = [
            "id", "account", "masked", "country", "tier", "kept_out", "is_exportable",
            "num_payments", "amount", "num_payouts", "received", "first_at", "last_at",
            "path_length", "alternative",
        ]  # fmt: skip

    def get_alternative(self, member: CohortMember) -> str:
        """What else would explain the payments."""
        return str(queries.alternative(member))


class CohortPaymentAnswer(Row):
    """The output or transfer that paid the platform, and our record that it began with.

    `through` is the wallet between, empty where our record paid the platform itself. A payout went
    the other way: `address` is the platform's, our record the deposit that it ended in, and
    `through` stays empty. A payment inside our books has height 0 and the record's reference as
    `txid`.
    """

    record = serializers.CharField(source="record.ref")
    through = serializers.SerializerMethodField()

    class Meta:
        model = CohortPayment
        fields = [
            "record", "through", "tier", "txid", "vout", "address", "amount", "height", "at",
            "is_disputed", "is_payout",
        ]  # fmt: skip

    def get_through(self, payment: CohortPayment) -> str:
        """The wallet that our withdrawal went to first."""
        return payment.record.address if payment.tier > 1 and not payment.is_payout else ""


class NewCohortBody(Body):
    """The platform's profile. Without wallets all of the case's only ledger count.

    `asset`: on a ledger of accounts, by contract, CAIP-19 name or symbol; empty for what the
    platform was paid in most often.
    """

    platform = Text(max_length=80)
    packages = serializers.ListField(
        child=BaseUnits(), required=False, default=list, max_length=MOST_PACKAGES
    )
    from_at = Moment(required=False, allow_null=True, default=None)
    to_at = Moment(required=False, allow_null=True, default=None)
    asset = Text(max_length=120, required=False, allow_blank=True, default="")
    wallets = serializers.ListField(
        child=Visible(Wallet), required=False, max_length=200, min_length=1
    )

    def validate_packages(self, values: list[int]) -> list[int]:
        """Amounts that a payment can have."""
        if any(not 0 < value <= LARGEST_PACKAGE for value in values):
            raise exceptions.ValidationError(_t("An amount has at most 38 digits and is not 0."))
        return values

    def validate(self, attrs: Any) -> Any:
        """A window that begins before it ends."""
        first, last = attrs["from_at"], attrs["to_at"]
        if first and last and first > last:
            raise exceptions.ValidationError({"to_at": [_t("The end lies before the beginning.")]})
        return attrs


class RecipientBody(Body):
    """Which agency gets the customers of a country."""

    country = Text(min_length=2, max_length=2)
    agency = Agency()


class SplitBody(Body):
    """One referral an agency; customers of countries that are not named go nowhere."""

    recipients = RecipientBody(many=True, min_length=1, max_length=250)
    findings = serializers.ListField(child=Visible(Finding), min_length=1, max_length=500)
    purpose = Text(max_length=200)
    legal_gateway = Text(max_length=200, required=False, allow_blank=True, default="")

    def validate_recipients(self, values: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Each country once: of two agencies for one, the last would have got its customers."""
        if len({each["country"] for each in values}) != len(values):
            raise exceptions.ValidationError(_t("Name each country once."))
        return values


class CohortFilter(FilterSet):
    """The list of cohorts."""

    case = UUIDFilter(field_name="case__public_id")


class CohortMemberFilter(FilterSet):
    """The members of a cohort."""

    tier = ChoiceFilter(choices=[(str(tier), words) for tier, words in TIERS])
    is_exportable = Truth()


class Cohorts(Door):
    calls = {
        "GET": Call(
            _("Cohorts of the cases you may see, newest first"), CohortAnswer,
            filters=CohortFilter, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = Cohort.objects.visible_to(self.actor).select_related("case", "built_by")
        return self.page(rows, "built_at")


class CaseCohorts(Door):
    calls = {
        "POST": making(_("Find the customers who paid a platform"), CohortAnswer, NewCohortBody)
    }

    def post(self, request: Request, case_id: UUID) -> HttpResponse:
        case = one_case(self.actor, case_id)

        def do(*, wallets: list[Wallet] | None = None, **values: Any) -> Cohort:
            if any(wallet.case_id != case.pk for wallet in wallets or ()):
                raise exceptions.ValidationError({"wallets": [UNKNOWN]})
            return build_cohort(case, wallets=wallets, **values, by=self.actor)

        return self.once(do)


class OfCohort(Door):
    """Base of what one cohort holds: to read it is kept as a look at its case."""

    def looked_at(self, cohort_id: UUID) -> Cohort:
        cohort = one_cohort(self.actor, cohort_id)
        keep_case_look(cohort.case, self.route, by=self.actor, purpose=BY_PROGRAM)
        return cohort


class CohortDetail(OfCohort):
    calls = {"GET": Call(_("One cohort with its sums"), CohortDetailAnswer)}

    def get(self, request: Request, cohort_id: UUID) -> Response:
        cohort = self.looked_at(cohort_id)
        return self.tell(queries.cohort_view(cohort.case, self.actor, cohort.public_id))


class CohortMembers(OfCohort):
    calls = {
        "GET": Call(
            _("Members of a cohort by their first payment, newest first; masked"),
            CohortMemberAnswer,
            filters=CohortMemberFilter, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request, cohort_id: UUID) -> Response:
        cohort = self.looked_at(cohort_id)
        rows: QuerySet[CohortMember] = CohortMember.objects.visible_to(self.actor)
        return self.page(rows.filter(cohort=cohort).select_related("account"), "first_at")


class MemberPayments(Door):
    calls = {
        "GET": Call(
            _("Payments of a member of a cohort, newest first"), CohortPaymentAnswer, is_page=True
        )
    }

    def get(self, request: Request, member_id: UUID) -> Response:
        member = one(queries.visible_member(self.actor, member_id))
        case = member.cohort.case
        keep_case_look(case, self.route, by=self.actor, purpose=BY_PROGRAM)
        return self.page(queries.member_payments(member, self.actor), "at")


class RevealMember(Door):
    """No key: each look is kept as a look of its own, and the answer is stored nowhere."""

    calls = {
        "POST": Call(
            _("Read who a member is; the look is kept with its purpose"), CustomerAnswer,
            PurposeBody, errors=(422,),
        )
    }  # fmt: skip

    def post(self, request: Request, member_id: UUID) -> Response:
        member = one(queries.visible_member(self.actor, member_id))
        purpose = self.read()["purpose"]
        told = reveal_customer(member.cohort.case, member.account, purpose, by=self.actor)
        return self.tell(told)


class ExportCohort(Door):
    calls = {
        "POST": Call(
            _("The members that may leave the house, masked; asks for a second person"),
            CohortMemberAnswer, Nothing, many=True, writes=True,
        )
    }  # fmt: skip

    def post(self, request: Request, cohort_id: UUID) -> HttpResponse:
        cohort = one_cohort(self.actor, cohort_id)
        return self.once(lambda: export_cohort(cohort, by=self.actor))


class SplitCohort(Door):
    calls = {
        "POST": Call(
            _("Draft one referral an agency, each with the customers of its countries alone"),
            ReferralAnswer, SplitBody, many=True, writes=True,
        )
    }  # fmt: skip

    def post(self, request: Request, cohort_id: UUID) -> HttpResponse:
        cohort = one_cohort(self.actor, cohort_id)

        def do(*, recipients: list[dict[str, Any]], **values: Any) -> list[Referral]:
            agencies = {each["country"]: each["agency"] for each in recipients}
            return split_cohort(cohort, recipients=agencies, **values, by=self.actor)

        return self.once(do)


ONE = "cohorts/<uuid:cohort_id>"
MEMBER = "cohort-members/<uuid:member_id>"
urlpatterns = [
    route("cohorts", Cohorts, "cohort_list"),
    route("cases/<uuid:case_id>/cohorts", CaseCohorts, "cohort_build"),
    route(ONE, CohortDetail, "cohort_detail"),
    route(f"{ONE}/members", CohortMembers, "cohort_members"),
    route(f"{ONE}/export", ExportCohort, "cohort_export"),
    route(f"{ONE}/split", SplitCohort, "cohort_split"),
    route(f"{MEMBER}/payments", MemberPayments, "cohort_member_payments"),
    route(f"{MEMBER}/reveal", RevealMember, "cohort_member_reveal"),
]
