"""What a report says: its rows as the values of the exporter, and what is still missing."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.utils.translation import gettext as _

from cases.exports.suspicion.letters import missing_of
from cases.exports.suspicion.profiles import load_profile
from cases.exports.suspicion.values import (
    CustomerAccount,
    Institution,
    Movement,
    Person,
    Report,
)
from cases.models import ExchangeAccount, ExchangeRecord, ReportSubject, SuspicionReport
from cases.queries.money import CURRENCY, fiat_of, price_at
from cases.services.errors import CaseworkError
from cases.services.reports.afterwards import prior_number

ENTITY_FIELDS = ("rentity_id", "name", "code", "branch", "country", "first_name", "last_name")


def institution() -> Institution:
    """Who reports, from the file that FIU_REPORTING_ENTITY_FILE names. Raises CaseworkError."""
    path = Path(settings.REPORTING_ENTITY_FILE)
    try:
        found: Any = yaml.safe_load(path.read_text("utf-8"))
        return Institution(
            **{name: found[name] for name in ENTITY_FIELDS}, us=found.get("fincen") or {}
        )
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        raise CaseworkError(
            _("The reporting entity is not set up: see FIU_REPORTING_ENTITY_FILE.")
        ) from None


def person_of(subject: ReportSubject) -> Person:
    """The subject as the exporter takes one."""
    return Person(
        first_name=subject.first_name,
        last_name=subject.last_name,
        original_name=subject.full_name_original,
        gender=subject.gender,
        birth_on=subject.birth_on,
        id_number=subject.id_number,
        id_type=subject.id_type,
        id_issued_on=subject.id_issued_on,
        id_expires_on=subject.id_expires_on,
        id_country=subject.id_country,
        nationality=subject.nationality,
        residence=subject.residence,
        phone=subject.phone,
    )


def missing(report: SuspicionReport) -> list[str]:
    """What the receiver demands and the report lacks, as sentences; empty when it can be made."""
    profile = load_profile(report.profile)
    lacks = []
    for subject in report.subjects.select_related("account"):
        fields = missing_of(person_of(subject), profile)
        if fields:
            words = ", ".join(field.replace("_", " ") for field in fields)
            lacks.append(
                _("Subject %(account)s: %(fields)s")
                % {"account": subject.account.masked, "fields": words}
            )
    if not report.indicators:
        lacks.append(_("Choose at least one indicator of the receiver."))
    if not report.reason.strip():
        lacks.append(_("Write the reason for the suspicion."))
    if profile["local_currency"] != CURRENCY and report.local_rate is None:
        lacks.append(
            _("Give the rate of %(local)s for one %(own)s, with its source.")
            % {"local": profile["local_currency"], "own": CURRENCY}
        )
    if report.follows_id is not None and not prior_number(report):
        lacks.append(_("The report it follows has no number of the receiver yet."))
    if not report.records.exists():
        lacks.append(_("A report needs at least one transaction."))
    return lacks


def values_of(report: SuspicionReport, submitted_at: datetime) -> Report:
    """The report as the exporter takes it. Raises CaseworkError for what is missing."""
    lacks = missing(report)
    if lacks:
        raise CaseworkError(" ".join(lacks))
    subjects = list(report.subjects.select_related("account").order_by("pk"))
    mine = {subject.account_id: subject.account for subject in subjects}
    records = report.records.select_related(
        "account", "counter_account", "asset", "asset_out"
    ).order_by("at", "ref")
    return Report(
        reference=report.reference,
        code=report.report_code,
        submitted_at=submitted_at,
        institution=institution(),
        reason=report.reason,
        action=report.action,
        indicators=tuple(report.indicators),
        accounts=tuple(_account(subject) for subject in subjects),
        movements=tuple(_movement(record, mine) for record in records),
        currency=CURRENCY,
        local_rate=report.local_rate or Decimal(1),
        kind=report.kind,
        prior=prior_number(report),
    )


def _account(subject: ReportSubject) -> CustomerAccount:
    account = subject.account
    return CustomerAccount(
        account.uid, account.customer, account.opened_on, account.state, account.country,
        person_of(subject),
    )  # fmt: skip


def _movement(record: ExchangeRecord, mine: dict[int, ExchangeAccount]) -> Movement:
    """The record from the side of the subject in it."""
    other, kind = record.counter_account, record.kind
    own, inward = record.account, False
    if kind == "internal_transfer":
        inward = record.account_id not in mine and record.counter_account_id in mine
        kind = "internal_in" if inward else "internal_out"
    if inward and other is not None:
        own, other = other, record.account
    if own.pk not in mine:
        raise CaseworkError(_("A transaction belongs to an account that is no subject."))
    fiat = fiat_of(record.base, record.asset.decimals, price_at(record.asset_id, record.at))
    if fiat is None:
        raise CaseworkError(
            _("There is no price for %(ref)s: the amount in money is missing.")
            % {"ref": record.ref}
        )
    return Movement(
        ref=record.ref, kind=kind, uid=own.uid, at=record.at, symbol=record.asset.symbol,
        base=record.base, decimals=record.asset.decimals, fiat=fiat,
        # The chain goes into a comment: with it a transaction id fits no field.
        txid=record.txid, chain=record.asset_id.partition("/")[0] if record.txid else "",
        address=record.address, counter_uid=other.uid if other is not None else "",
        symbol_out=record.asset_out.symbol if record.asset_out else "",
        base_out=record.base_out or 0,
        decimals_out=record.asset_out.decimals if record.asset_out else 0,
    )  # fmt: skip
