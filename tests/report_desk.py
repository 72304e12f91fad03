"""A case with an alert in it, and people with and without the right to reports."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from cases.models import (
    Alert,
    Case,
    ExchangeAccount,
    ExchangeRecord,
    Price,
    ReportSubject,
    SuspicionReport,
)
from cases.policy import SYSTEM, Actor
from cases.services.alerts import link_alert
from cases.services.detection_runs import detect_now
from cases.services.reports import draft_report, edit_report, edit_subject
from tests.casework import BTC, make_account, make_actor, make_asset, make_user, person
from tests.shared_data import schema_path

XMR = "monero:418015bb9ae982a1975da7d79277c270/slip44:128"
AT = datetime(2025, 3, 3, 9, tzinfo=UTC)
CANARY = "Canary9471"
ENTITY = """rentity_id: 4711
name: Northquay
code: NORTHQUAY
branch: Head office
country: AE
first_name: Nora
last_name: Sample
"""


@dataclass
class ReportDesk:
    """Who drafts, who decides, who must learn nothing, and what it is about."""

    author: Actor
    outsider: Actor
    compliance: Actor
    alert: Alert
    case: Case
    account: ExchangeAccount

    def draft(self) -> SuspicionReport:
        return draft_report(self.case, [self.alert], by=self.author)

    def complete(self) -> SuspicionReport:
        """A draft with everything that the receiver demands."""
        return complete(self.draft(), self.author)


def complete(report: SuspicionReport, by: Actor) -> SuspicionReport:
    report = edit_report(
        report, version=report.version, reason=f"{report.reason} {CANARY}", indicators=["CRYMX"],
        local_rate=Decimal("3.6725"), local_rate_source="Central bank, 2025-03-03", by=by,
    )  # fmt: skip
    for subject in ReportSubject.objects.filter(report=report):
        report = edit_subject(
            report, subject, version=report.version, first_name="Kai-Wen", last_name="Demoson",
            birth_on=date(1980, 4, 3), id_number="X1234567", id_type="PASSP",
            id_issued_on=date(2020, 1, 1), id_expires_on=date(2030, 1, 1), id_country="TW",
            nationality="TW", residence="TW", phone="+886 900 000 000", by=by,
        )  # fmt: skip
    return report


def filed(
    desk: ReportDesk,
    profile: str = "ae-5.0.2",
    file: str = "<x/>",
    at: datetime | None = None,
) -> SuspicionReport:
    """A report that went out; the file itself is no matter where none is given."""
    report = desk.draft()
    person, now = desk.compliance.person, at or timezone.now()
    rows = SuspicionReport.objects.filter(pk=report.pk)
    rows.update(profile=profile)
    rows.update(state="validated", file=file, content_hash="a" * 64)
    rows.update(state="in_review")
    rows.update(state="approved", approved_by_id=person, approved_at=now)
    rows.update(state="filed", filed_by_id=person, filed_at=now)
    return rows.get()


def make_prices() -> None:
    """What both assets of the alert are worth; there once, however often it is called."""
    make_asset()
    make_asset(XMR, "XMR", 12)
    for asset, price in ((BTC, "100000"), (XMR, "200")):
        Price.objects.get_or_create(
            asset_id=asset, currency="USD", price=price, at=AT - timedelta(days=30),
            source="Test market",
        )  # fmt: skip


def make_alert(uid: str = "NQ-884417", *, shift: int = 0) -> Alert:
    """A privacy swap of one account, found by the rule."""
    make_prices()
    account = ExchangeAccount.objects.filter(uid=uid).first() or make_account(
        uid, holder_name="Kai-Wen Demoson", opened_on=date(2020, 5, 1), country="TW"
    )
    ExchangeRecord.objects.bulk_create(_swap(account, AT + timedelta(days=shift)))
    detect_now(since=AT, by=SYSTEM)
    return Alert.objects.filter(account=account).select_related("rule", "account").latest("pk")


def _swap(account: ExchangeAccount, at: datetime) -> Iterable[ExchangeRecord]:
    mark = f"{account.uid}-{at:%m%d}"
    yield ExchangeRecord(
        ref=f"{mark}-1", kind="deposit", account=account, asset_id=BTC, base=5_000_000, at=at,
        txid="ab" * 32, status="completed",
    )  # fmt: skip
    yield ExchangeRecord(
        ref=f"{mark}-2", kind="conversion", account=account, asset_id=BTC, base=4_900_000,
        asset_out_id=XMR, base_out=24_400_000_000_000, at=at + timedelta(hours=2),
        status="completed",
    )  # fmt: skip


def make_report_desk() -> ReportDesk:
    author = make_actor(make_user("analyst", may_view_reports=True))
    alert = make_alert()
    case = link_alert(alert, None, by=author)
    return ReportDesk(author, person("analyst"), person("compliance"), alert, case, alert.account)


def set_up_receiver(folder: Path) -> None:
    """The receiver's schema and the reporting entity, as an operator puts them."""
    source = schema_path("goaml/vyttah-5.0.2/assets-goAMLSchema.xsd")
    schema = folder / "ae-5.0.2.xsd"
    if not schema.exists():  # written again it would be compiled again
        schema.write_bytes(source.read_bytes())
    (folder / "entity.yaml").write_text(ENTITY, encoding="utf-8")
    settings.GOAML_XSD_DIR, settings.REPORTING_ENTITY_FILE = folder, folder / "entity.yaml"
