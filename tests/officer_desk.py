"""An agency that two people verified, and an officer of it whom one of them called back."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from cases.models import AgencyEntry, OfficerEntry
from cases.policy import Actor
from cases.services.agencies import approve_agency, propose_agency
from cases.services.instruments import UploadedBytes
from cases.services.officers import OfficerSpec, propose_officer, verify_officer
from tests.casework import person

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
