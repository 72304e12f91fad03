"""The exchange's own records, as imported: accounts, addresses, balances, movements, prices."""

from django.conf import settings
from django.db import models

from cases.models.base import PublicModel
from cases.models.fields import BaseUnitsField


class Asset(models.Model):
    """An asset by its CAIP-19 name, with the symbol and decimals screens show."""

    asset = models.CharField(max_length=120, primary_key=True)
    symbol = models.CharField(max_length=12)
    decimals = models.PositiveSmallIntegerField()


def masked_uid(uid: str) -> str:
    """What screens show of an account's number: the last four characters."""
    return f"••{uid[-4:]}"


class ExchangeAccount(PublicModel):
    """An account at the exchange; the uid never leaves to third parties, screens mask it."""

    uid = models.CharField(max_length=40, unique=True)
    customer = models.CharField(max_length=40)
    holder_name = models.CharField(max_length=150)
    country = models.CharField(max_length=2)
    kind = models.CharField(max_length=4, default="main")
    opened_on = models.DateField(null=True)
    state = models.CharField(max_length=20, default="active")
    kyc_level = models.CharField(max_length=12, blank=True)

    def __str__(self) -> str:
        return self.masked

    @property
    def masked(self) -> str:
        """What screens show: the last four characters of the uid."""
        return masked_uid(self.uid)


class DepositAddress(models.Model):
    """A deposit address for a period: addresses are reassigned, so attribute by time."""

    ledger = models.CharField(max_length=24)
    address = models.CharField(max_length=100)
    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="deposit_addresses")
    assigned_from_at = models.DateTimeField()
    assigned_to_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="deposit_address_period_once",
                fields=["ledger", "address", "assigned_from_at"],
            )
        ]
        indexes = [
            # Collecting a run: whose address was this at that time?
            models.Index(fields=["ledger", "address"], name="deposit_address_lookup")
        ]


class OwnAddress(models.Model):
    """A hot, cold or sweep address of the exchange itself."""

    ledger = models.CharField(max_length=24)
    address = models.CharField(max_length=100)
    kind = models.CharField(max_length=8)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="own_address_once", fields=["ledger", "address"])
        ]


class Balance(models.Model):
    """What an account holds of one asset, as of a time."""

    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="balances")
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="+")
    base = BaseUnitsField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_balance_per_asset", fields=["account", "asset"])
        ]


class ExchangeRecord(models.Model):
    """A movement in the exchange's books: deposit, withdrawal, conversion, transfer."""

    ref = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=20)
    # An index by itself only where rows are looked for by it: each is written for each movement.
    account = models.ForeignKey(
        ExchangeAccount, models.PROTECT, related_name="records", db_index=False
    )
    counter_account = models.ForeignKey(
        ExchangeAccount, models.PROTECT, null=True, related_name="counter_records"
    )
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="+", db_index=False)
    base = BaseUnitsField()
    asset_out = models.ForeignKey(
        Asset, models.PROTECT, null=True, related_name="+", db_index=False
    )
    base_out = BaseUnitsField(null=True)
    fee_asset = models.ForeignKey(
        Asset, models.PROTECT, null=True, related_name="+", db_index=False
    )
    fee_base = BaseUnitsField(null=True)
    at = models.DateTimeField()
    txid = models.CharField(max_length=100, blank=True)
    address = models.CharField(max_length=120, blank=True)
    ip = models.CharField(max_length=45, null=True)  # where it was ordered from, if known
    status = models.CharField(max_length=16)

    class Meta:
        indexes = [
            # The account page: its movements in order.
            models.Index(fields=["account", "at"], name="record_account_at"),
            # Collecting a run: the record behind an on-chain deposit.
            models.Index(fields=["txid"], name="record_txid"),
            # Cohorts: who withdrew to this address?
            models.Index(
                fields=["address"],
                name="withdrawal_address",
                condition=models.Q(kind="withdrawal"),
            ),
            # And whose deposit came in on it?
            models.Index(
                fields=["address"], name="deposit_address", condition=models.Q(kind="deposit")
            ),
        ]

    @property
    def net(self) -> int:
        """What arrives of a withdrawal: a fee in the same asset lies inside the amount."""
        fee = self.fee_base if self.fee_asset_id == self.asset_id else 0
        return int(self.base - (fee or 0))


class AccountLink(models.Model):
    """Two accounts that share a device or a withdrawal address."""

    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="links")
    other_account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="+")
    link = models.CharField(max_length=20)
    basis = models.CharField(max_length=120)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="account_link_once", fields=["account", "other_account", "link"]
            )
        ]


class Price(models.Model):
    """A fiat price of one whole unit of an asset, with its source and time."""

    asset = models.ForeignKey(Asset, models.PROTECT, related_name="prices")
    currency = models.CharField(max_length=3)
    price = models.DecimalField(max_digits=24, decimal_places=10)
    at = models.DateTimeField()
    source = models.CharField(max_length=60)
    method = models.CharField(max_length=8, default="spot")
    loaded_at = models.DateTimeField(null=True)  # when this house learnt it
    # The person who said so; nobody where it came in a file of the installation.
    loaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_price_per_source_time", fields=["asset", "currency", "at", "source"]
            )
        ]
