"""Prices of assets: those there are, and new ones with their source and time."""

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import CharFilter, FilterSet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, making, route
from cases.api.fields import Body, Row, Text
from cases.models import Price
from cases.services.prices import add_prices

MOST = 1000


class PriceAnswer(Row):
    """What one whole unit of an asset cost at a time, and who says so."""

    asset = serializers.CharField(source="asset_id")
    symbol = serializers.CharField(source="asset.symbol")

    class Meta:
        model = Price
        fields = ["asset", "symbol", "currency", "price", "at", "source", "method", "loaded_at"]


class NewPriceBody(Body):
    """One price; `price` is text such as "97000.50", `method` one of spot, close, vwap."""

    asset = Text(max_length=120)
    currency = Text(max_length=3)
    price = Text(max_length=30)
    at = Text(max_length=40)
    source = Text(max_length=60)
    method = Text(max_length=8, required=False, default="spot")


class NewPricesBody(Body):
    """Prices in one call: each is taken or refused with its reason."""

    prices = serializers.ListField(child=NewPriceBody(), min_length=1, max_length=MOST)


class RefusedPriceAnswer(serializers.Serializer):
    """A row that was not taken, counted from 1."""

    number = serializers.IntegerField()
    reason = serializers.CharField()


class LoadedPricesAnswer(serializers.Serializer):
    """What became of the rows: every one is new, known or refused."""

    num_added = serializers.IntegerField()
    num_known = serializers.IntegerField()
    refused = RefusedPriceAnswer(many=True)


class PriceFilter(FilterSet):
    """The list of prices."""

    asset = CharFilter(field_name="asset_id")
    currency = CharFilter()
    source = CharFilter()


class Prices(Door):
    calls = {
        "GET": Call(_("Prices, newest first"), PriceAnswer, filters=PriceFilter, is_page=True),
        "POST": making(
            _("Take prices, row by row, with their source and time"), LoadedPricesAnswer,
            NewPricesBody,
        ),
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        return self.page(Price.objects.select_related("asset"), "at")

    def post(self, request: Request) -> HttpResponse:
        return self.once(lambda **values: add_prices(**values, by=self.actor), fresh=False)


urlpatterns = [route("prices", Prices, "price_list")]
