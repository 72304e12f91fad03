"""The demo's agencies and officers as two people verified them, and one whom nobody should."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from cases.models import AgencyEntry
from cases.services.agencies import approve_agency, propose_agency
from cases.services.instruments import UploadedBytes
from cases.services.officers import OfficerSpec, propose_officer, verify_officer
from fiu.demo.clock import PastClock
from fiu.models import Agency, User

NUMBERS = {
    "FNTF": ("+1 202 555 0117", "Directory of the department, printed edition, page 12"),
    "HDIB": ("+886 2 5550 0142", "Directory of the ministry of justice, page 4"),
}


def know_officers(desk: Any, clock: PastClock) -> None:
    """Both agencies in force and their officers verified, each by a second person a day later."""
    with clock.before(timedelta(days=30)):
        known = [_proposed_agency(agency, desk) for agency in Agency.objects.order_by("short_name")]
    with clock.before(timedelta(days=29)):
        for each in known:
            approve_agency(
                each, content_hash=each.content_hash, reason="Looked up in the directory.",
                by=desk.nora,
            )  # fmt: skip
    with clock.before(timedelta(days=28, hours=22)):
        entries = [
            propose_officer(
                _spec(agency, user.username, user.first_name, user.last_name, user.title,
                      user.email),
                by=desk.tomas,
            )
            for agency in Agency.objects.order_by("short_name")
            for user in User.objects.filter(agency=agency).order_by("username")
        ]  # fmt: skip
    with clock.before(timedelta(days=28)):
        for entry in entries:
            verify_officer(
                entry, content_hash=entry.content_hash, reason="Call and paper agree.",
                by=desk.nora,
            )  # fmt: skip


def ask_for_an_account(desk: Any) -> None:
    """Whom nobody should verify: the domain only looks like the agency's."""
    fntf = Agency.objects.get(short_name="FNTF")
    propose_officer(
        _spec(fntf, "reyes", "Dana", "Reyes", "Special agent", "d.reyes@fntf-example.org"),
        by=desk.tomas,
    )


def _proposed_agency(agency: Agency, desk: Any) -> AgencyEntry:
    number, source = NUMBERS[agency.short_name]
    return propose_agency(
        name=agency.name, short_name=agency.short_name, kind=agency.kind,
        country=agency.country, domains=[agency.domain], call_back_number=number,
        number_source=source, reason="They ask us regularly.", agency_id=agency.pk,
        by=desk.tomas,
    )  # fmt: skip


def _spec(
    agency: Agency, username: str, first_name: str, last_name: str, position: str, email: str
) -> OfficerSpec:
    now = timezone.now()
    return OfficerSpec(
        agency_id=agency.pk, username=username, first_name=first_name, last_name=last_name,
        position=position, email=email, badge_no=f"{agency.short_name}-{len(username) * 137}",
        spoke_with=f"Duty desk of the {agency.name}", called_at=now,
        valid_until=(now + timedelta(days=365)).date(), reason="Liaison of the operation.",
        document=UploadedBytes(f"appointment-{username}.pdf", _paper(f"{first_name} {last_name}")),
    )  # fmt: skip


def _paper(name: str) -> bytes:
    """A page of PDF with one line, written by hand: the demo needs no renderer for it."""
    text = f"BT /F1 14 Tf 72 720 Td (Appointment of {name} as liaison officer) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    page, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(page))
        page += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    start = len(page)
    page += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % p for p in places)
    return page + b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start
