"""A referral at each of its stations, made through the services, with the people around it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from cases.models import Case, Finding, Referral, SharedRelease
from cases.services.cases import grant_access
from cases.services.findings import approve_finding, submit_finding
from cases.services.referrals import (
    approve_referral,
    clear_referral,
    draft_referral,
    package_referral,
    redact_referral,
    send_referral,
)
from fiu.models import Agency, User
from tests.casework import (
    make_actor,
    make_agency,
    make_asset,
    make_case,
    make_finding,
    make_suspect,
    make_user,
    see_all,
)
from tests.officer_desk import make_officer

STATIONS = ("draft", "redaction", "approved", "cleared", "packaged", "sent")


@dataclass
class Desk:
    """Who works on the case, who receives, and what stands."""

    analyst: User
    supervisor: User
    compliance: User
    officer: User
    agency: Agency
    case: Case
    finding: Finding

    def referral(self, station: str = "draft", **fields: Any) -> Referral:
        """A referral that came as far as `station`."""
        author, second = make_actor(self.analyst), make_actor(self.supervisor)
        third = make_actor(self.compliance)
        values: dict[str, Any] = {
            "kind": "spontaneous", "subject": "Proceeds of a market",
            "summary": "The operator cashed out here.", "purpose": "Criminal proceedings",
            "legal_gateway": "Art. 1", "caveats": "Do not contact the holder.", "tlp": "AMBER",
            "handling_code": "H1", "findings": [self.finding], "freezes": [],
        }  # fmt: skip
        redactions = fields.pop("redactions", {})
        referral = draft_referral(
            self.case, agency_id=self.agency.pk, **(values | fields), by=author
        )
        steps = (
            lambda: redact_referral(referral, redactions=redactions, by=author),
            lambda: approve_referral(
                referral, content_hash=referral.content_hash, reason="Y.", by=second
            ),
            lambda: clear_referral(
                referral, content_hash=referral.content_hash, reason="Y.", by=third
            ),
            lambda: package_referral(referral, by=second),
            lambda: send_referral(
                referral, liaison_ids=[self.officer.pk],
                expires_at=timezone.now() + timedelta(days=3), by=second,
            ),
        )  # fmt: skip
        for step in steps[: STATIONS.index(station)]:
            step()
            referral.refresh_from_db()
        return referral

    def release(self, **fields: Any) -> SharedRelease:
        """A release that the officer may read."""
        release: SharedRelease = self.referral("sent", **fields).releases.get()
        return release


def make_desk(**fields: Any) -> Desk:
    """A case with one approved finding about one suspect, and an agency with one officer."""
    make_asset()
    analyst, supervisor = make_user("analyst"), make_user("supervisor")
    author, second = make_actor(analyst), make_actor(supervisor)
    case = make_case(author, started=True, **fields)
    compliance = make_user("compliance")
    grant_access(case, supervisor.pk, "write", by=make_actor(compliance))
    suspect = make_suspect(case, author, "Pharos")
    finding = submit_finding(make_finding(case, author, suspects=[suspect]), by=author)
    see_all(finding, second)
    approve_finding(finding, content_hash=finding.content_hash, reason="Checked.", by=second)
    agency = make_agency(name="Federal Narcotics Task Force", short_name="FNTF")
    officer = make_officer(agency=agency, first_name="Rafael", last_name="Ortiz")
    return Desk(analyst, supervisor, compliance, officer, agency, case, finding)
