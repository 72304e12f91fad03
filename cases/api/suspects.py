"""Suspects of cases, their names and accounts; customer data behind a purpose."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet, UUIDFilter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.cases import one_case
from cases.api.door import Call, Door, One, making, one, route
from cases.api.fields import Body, CaseName, PersonAnswer, Row, Text
from cases.models import Suspect, SuspectAccount, SuspectName
from cases.policy import Actor
from cases.services.reads import BY_PROGRAM, keep_suspects_look
from cases.services.self_lookups import watch_suspects
from cases.services.suspects import add_name, add_suspect, link_account, reveal_customer

KINDS = Suspect._meta.get_field("kind").choices or []
STANDINGS = Suspect._meta.get_field("standing").choices or []
ROLES = Suspect._meta.get_field("role").choices or []
NAME_TYPES = SuspectName._meta.get_field("type").choices or []


def one_suspect(actor: Actor, suspect_id: UUID) -> Suspect:
    """The suspect if the person may see its case. Raises Http404."""
    rows = Suspect.objects.visible_to(actor).select_related("case", "added_by")
    found: Suspect = one(rows.prefetch_related("names", "accounts__account"), public_id=suspect_id)
    return found


def shown_suspect(actor: Actor, suspect_id: UUID) -> Suspect:
    """The same to be read; compliance learns of it where it is the reader's own name (A7)."""
    found = one_suspect(actor, suspect_id)
    watch_suspects([found], by=actor, case=found.case)
    return found


class NameAnswer(Row):
    """One name; the first is the heading."""

    class Meta:
        model = SuspectName
        fields = ["type", "full"]


class LinkedAccountAnswer(Row):
    """An exchange account that the case links to the suspect; its number stays masked."""

    id = serializers.UUIDField(source="account.public_id")
    masked = serializers.CharField(source="account.masked")

    class Meta:
        model = SuspectAccount
        fields = ["id", "masked", "basis", "linked_at"]


class SuspectAnswer(Row):
    """A person, organisation or persona in a case."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    names = NameAnswer(many=True)
    accounts = LinkedAccountAnswer(many=True)
    added_by = PersonAnswer()

    class Meta:
        model = Suspect
        fields = [
            "id", "reference", "case", "kind", "standing", "role", "birth_year", "note", "names",
            "accounts", "added_by", "added_at",
        ]  # fmt: skip


class NameBody(Body):
    """A name of a suspect."""

    type = serializers.ChoiceField(choices=NAME_TYPES)
    full = Text(max_length=150)


class NewSuspectBody(Body):
    """A suspect with at least one name."""

    kind = serializers.ChoiceField(choices=KINDS)
    standing = serializers.ChoiceField(choices=STANDINGS)
    role = serializers.ChoiceField(choices=ROLES, allow_blank=True, required=False, default="")
    names = NameBody(many=True, min_length=1, max_length=50)
    birth_year = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1900, max_value=2100
    )
    note = Text(required=False, allow_blank=True, default="")


class LinkBody(Body):
    """An account by its number at the exchange, with the basis of the link."""

    account_uid = Text(max_length=40)
    basis = Text()


class PurposeBody(Body):
    """What the customer's data is needed for; it is kept with the look."""

    purpose = Text(max_length=200)


class CustomerAnswer(serializers.Serializer):
    """Who stands behind an account."""

    uid = serializers.CharField()
    customer = serializers.CharField()
    holder_name = serializers.CharField()
    country = serializers.CharField()
    kind = serializers.CharField()
    opened_on = serializers.DateField(allow_null=True)
    state = serializers.CharField()
    kyc_level = serializers.CharField(allow_blank=True)


class SuspectFilter(FilterSet):
    """The list of suspects."""

    case = UUIDFilter(field_name="case__public_id")
    kind = ChoiceFilter(choices=KINDS, field_name="kind")
    standing = ChoiceFilter(choices=STANDINGS, field_name="standing")


class Suspects(Door):
    calls = {
        "GET": Call(
            _("Suspects of the cases you may see, newest first"), SuspectAnswer,
            filters=SuspectFilter, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = Suspect.objects.visible_to(self.actor).select_related("case", "added_by")
        rows = rows.prefetch_related("names", "accounts__account")
        return self.page(rows, "added_at", self._kept)

    def _kept(self, rows: list[Suspect]) -> list[Suspect]:
        keep_suspects_look(rows, by=self.actor, purpose=BY_PROGRAM)
        return rows


class CaseSuspects(Door):
    calls = {"POST": making(_("Add a suspect to a case"), SuspectAnswer, NewSuspectBody)}

    def post(self, request: Request, case_id: UUID) -> HttpResponse:
        case = one_case(self.actor, case_id)

        def do(*, names: list[dict[str, str]], **values: Any) -> Suspect:
            pairs = [(each["type"], each["full"]) for each in names]
            return add_suspect(case, names=pairs, **values, by=self.actor)

        return self.once(do)


class SuspectNames(Door):
    calls = {"POST": making(_("Add a name of a suspect"), SuspectAnswer, NameBody)}

    def post(self, request: Request, suspect_id: UUID) -> HttpResponse:
        suspect = one_suspect(self.actor, suspect_id)

        def do(*, type: str, full: str) -> Suspect:  # noqa: A002  # the name of the field
            add_name(suspect, type, full, by=self.actor)
            return one_suspect(self.actor, suspect_id)

        return self.once(do, fresh=False)


class SuspectAccounts(Door):
    calls = {"POST": making(_("Link an exchange account to a suspect"), SuspectAnswer, LinkBody)}

    def post(self, request: Request, suspect_id: UUID) -> HttpResponse:
        suspect = one_suspect(self.actor, suspect_id)

        def do(*, account_uid: str, basis: str) -> Suspect:
            link_account(suspect, account_uid, basis, by=self.actor)
            return one_suspect(self.actor, suspect_id)

        return self.once(do, fresh=False)


class RevealCustomer(Door):
    """No key: each look is kept as a look of its own, and the answer is stored nowhere."""

    calls = {
        "POST": Call(
            _("Read who stands behind a linked account; the look is kept with its purpose"),
            CustomerAnswer, PurposeBody, errors=(422,),
        )
    }  # fmt: skip

    def post(self, request: Request, suspect_id: UUID, account_id: UUID) -> Response:
        suspect = one_suspect(self.actor, suspect_id)
        link = one(suspect.accounts.select_related("account"), account__public_id=account_id)
        purpose = self.read()["purpose"]
        return self.tell(reveal_customer(suspect.case, link.account, purpose, by=self.actor))


ONE = "suspects/<uuid:suspect_id>"
urlpatterns = [
    route("suspects", Suspects, "suspect_list"),
    route("cases/<uuid:case_id>/suspects", CaseSuspects, "suspect_add"),
    route(
        ONE, One, "suspect_detail", find=shown_suspect,
        calls={"GET": Call(_("One suspect"), SuspectAnswer)},
    ),
    route(f"{ONE}/names", SuspectNames, "suspect_name_add"),
    route(f"{ONE}/accounts", SuspectAccounts, "suspect_account_link"),
    route(f"{ONE}/accounts/<uuid:account_id>/reveal", RevealCustomer, "suspect_account_reveal"),
]  # fmt: skip
