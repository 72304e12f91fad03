"""The exchange core sends its records as they come: accounts, addresses, movements, events."""

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from cases.api.door import Door, making, route
from cases.api.fields import Body
from cases.policy import Action
from cases.services.exchange import MOST_SENT, push_records


class Rows(serializers.ListField):
    """Rows of one file: each maps its columns to text, an empty or missing one to nothing."""

    child = serializers.DictField(child=serializers.CharField(allow_blank=True, max_length=500))

    def __init__(self) -> None:
        super().__init__(required=False, default=list, max_length=MOST_SENT)


class NewRecordsBody(Body):
    """Rows by file, with the columns of `load_customers` (docs/operate/exchange_records.md).

    At most 5,000 in all. A row that is known by its key is brought up to date.
    """

    assets = Rows()
    accounts = Rows()
    deposit_addresses = Rows()
    own_addresses = Rows()
    balances = Rows()
    movements = Rows()
    prices = Rows()
    links = Rows()
    profiles = Rows()
    events = Rows()
    providers = Rows()


class PushedAnswer(serializers.Serializer):
    """How many rows of each file were taken, and the addresses that are walls for traces now."""

    rows = serializers.DictField(child=serializers.IntegerField())
    num_boundaries = serializers.IntegerField()


class ExchangeRecords(Door):
    rights = (Action.PUSH_RECORDS,)
    calls = {
        "POST": making(
            _("Take records of the exchange, all of a call or nothing of it"), PushedAnswer,
            NewRecordsBody,
        )
    }  # fmt: skip

    def post(self, request: Request) -> HttpResponse:
        def do(**rows: list[dict[str, str]]) -> object:
            return push_records(rows, by=self.actor)

        return self.once(do, fresh=False)


urlpatterns = [route("exchange-records", ExchangeRecords, "exchange_records")]
