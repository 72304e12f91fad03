"""An agency that two people verified, and an officer of it whom one of them called back."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from cases.models import AgencyEntry, OfficerEntry
from cases.policy import Actor
from cases.services.agencies import approve_agency, entry_of, propose_agency
from cases.services.instruments import UploadedBytes
from cases.services.officers import OfficerSpec, propose_officer, verify_officer
from cases.states import OfficerState
from fiu.models import User
from tests.casework import make_user, person

PAPER = UploadedBytes("appointment.pdf", b"%PDF-1.7 appointment")
SAID = {"reason": "Called them."}


@dataclass
class OfficerDesk:
    """The three people, and how they do things."""

    senior: Actor
    compliance: Actor
    other: Actor

    def agency(self, **fields: Any) -> AgencyEntry:
        values: dict[str, Any] = {
            "name": "Harbour Police", "short_name": "HP", "kind": "police", "country": "TW",
            "domains": ["hp.example", "harbour.example"],
            "call_back_number": "+886 2 5550 0100",
            "number_source": "Directory of the ministry, page 12.", "reason": "They will ask.",
        }  # fmt: skip
        return propose_agency(**(values | fields), by=self.senior)

    def known(self, **fields: Any) -> AgencyEntry:
        entry = self.agency(**fields)
        return approve_agency(entry, content_hash=entry.content_hash, **SAID, by=self.compliance)

    def propose(self, known: AgencyEntry, **fields: Any) -> OfficerEntry:
        now = timezone.now()
        values: dict[str, Any] = {
            "agency_id": known.agency_id, "username": "lin", "first_name": "Mei",
            "last_name": "Lin", "position": "Inspector", "email": "lin@hp.example",
            "spoke_with": "The duty desk", "called_at": now, "document": PAPER,
            "valid_until": now.date() + timedelta(days=365), "reason": "New liaison.",
        }  # fmt: skip
        return propose_officer(OfficerSpec(**(values | fields)), by=self.senior)

    def verified(self, known: AgencyEntry, **fields: Any) -> OfficerEntry:
        entry = self.propose(known, **fields)
        return verify_officer(entry, content_hash=entry.content_hash, **SAID, by=self.compliance)


def make_officer_desk() -> OfficerDesk:
    return OfficerDesk(person("supervisor"), person("compliance"), person("compliance"))


def verify_account(user: User) -> User:
    """The officer as two people verified the account; once, with the agency before it."""
    if OfficerEntry.objects.filter(user=user, state=OfficerState.VERIFIED.value).exists():
        return user
    assert user.agency is not None
    desk, agency = make_officer_desk(), user.agency
    known = entry_of(agency.pk) or desk.known(
        agency_id=agency.pk, name=agency.name, short_name=agency.short_name, kind=agency.kind,
        country=agency.country, domains=[agency.domain],
    )  # fmt: skip
    desk.verified(
        known, username=user.username, first_name=user.first_name or "Ann",
        last_name=user.last_name or "Sample", position=user.title or "Inspector",
        email=f"{user.username}@{known.domains[0]}",
    )  # fmt: skip
    user.refresh_from_db()
    return user


def make_officer(**fields: Any) -> User:
    """A verified officer of an agency."""
    return verify_account(make_user("liaison", **fields))
