"""A suspicion report as FinCEN's SAR batch XML: values in, bytes out, with what did not fit.

Amounts are whole US dollars, upward; exact ones stand in the narrative. Addresses of virtual assets
go into cyber event indicators, since no account field holds one. Source: SARX schema 1.2;
FORMATS.md section 5.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from lxml import etree

from cases.exports.suspicion.letters import NOT_XML, latin
from cases.exports.suspicion.values import (
    CannotRender,
    CustomerAccount,
    Loss,
    Movement,
    Rendered,
    Report,
)

NAMESPACE: Final = "www.fincen.gov/base"
NARRATIVES, NARRATIVE_CHARS, MOST_ADDRESSES = 5, 4_000, 99
HOUSE_FIELDS: Final = ("tin", "tcc", "street", "city", "state", "zip", "phone")
GENDERS: Final = {"F": "FemaleGenderIndicator", "M": "MaleGenderIndicator"}


def render(report: Report, profile: Mapping[str, Any]) -> Rendered:
    """The whole file, the same bytes for the same values. Raises CannotRender."""
    return _Writer(report, profile).write()


class _Writer:
    def __init__(self, report: Report, profile: Mapping[str, Any]) -> None:
        self.report, self.profile = report, profile
        self.losses: list[Loss] = []
        self.seq = 0

    def write(self) -> Rendered:
        report, us = self.report, self.report.institution.us
        absent = [name for name in HOUSE_FIELDS if not us.get(name)]
        if absent:
            raise CannotRender(
                f"The reporting entity lacks {', '.join(absent)} under fincen: see"
                " FIU_REPORTING_ENTITY_FILE."
            )
        if not report.movements or not report.indicators:
            raise CannotRender("A report needs at least one transaction and one indicator.")
        root = etree.Element(f"{{{NAMESPACE}}}EFilingBatchXML", nsmap={"fc2": NAMESPACE})
        self.leaf(root, "FormTypeCode", "SARX")
        activity = self.node(root, "Activity")
        if report.prior:
            self.leaf(activity, "EFilingPriorDocumentNumber", report.prior)
        self.leaf(activity, "FilingDateText", _day(report.submitted_at.date()))
        association = self.node(activity, "ActivityAssociation")
        self.leaf(association, _ASSOCIATIONS[report.kind], "Y")
        num_parties = self.parties(activity)
        total = self.suspicious(activity)
        self.addresses(activity)
        self.narrative(activity)
        root.attrib.update({
            "TotalAmount": total, "PartyCount": str(num_parties), "ActivityCount": "1",
            "ActivityAttachmentCount": "0", "AttachmentCount": "0",
        })  # fmt: skip
        content = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
        if len(content) > self.profile["largest_file_bytes"]:
            raise CannotRender("The file is larger than the receiver takes: choose fewer lines.")
        return Rendered(content, self.losses)

    def node(self, parent: Any, name: str) -> Any:
        self.seq += 1
        return etree.SubElement(parent, f"{{{NAMESPACE}}}{name}", SeqNum=str(self.seq))

    def leaf(self, parent: Any, name: str, text: str, most: int = 0) -> None:
        """A field; blanks at its ends and line feeds within go, and it is cut where too long."""
        told = NOT_XML.sub(" ", text)
        if told != text:
            self.lose(name, "signs that XML does not hold are blanks", "this house")
        plain = told if name == "ActivityNarrativeText" else " ".join(told.split())
        if most and len(plain) > most:
            self.lose(name, f"cut to {most} of {len(plain)} characters", "the narrative")
            plain = plain[:most].rstrip()
        etree.SubElement(parent, f"{{{NAMESPACE}}}{name}").text = plain

    def lose(self, where: str, what: str, whole: str) -> None:
        loss = Loss(where, what, whole)
        if loss not in self.losses:
            self.losses.append(loss)

    # --- Who ---

    def parties(self, activity: Any) -> int:
        """Transmitter, its contact, who reports, the contact, where it happened, and subjects."""
        house, us = self.report.institution, self.report.institution.us
        for code, identifiers in (
            ("35", (("4", us["tin"]), ("28", us["tcc"]))), ("37", ()), ("30", (("2", us["tin"]),)),
            ("8", ()), ("34", (("2", us["tin"]),)),
        ):  # fmt: skip
            party = self.node(activity, "Party")
            self.leaf(party, "ActivityPartyTypeCode", code)
            if code in ("30", "34"):
                self.leaf(party, "PrimaryRegulatorTypeCode", str(us.get("regulator", "7")))
            contact = f"{house.first_name} {house.last_name}"
            self.legal_name(party, contact if code in ("37", "8") else house.name)
            if code in ("35", "30", "34"):
                self.house_address(party)
            if code in ("35", "8"):
                phone = self.node(party, "PhoneNumber")
                number = re.sub("[^0-9]", "", str(us["phone"]))
                self.leaf(phone, "PhoneNumberText", number, 16)
            for kind, number in identifiers:
                self.identifier(party, kind, str(number))
            if code in ("30", "34"):
                sort = self.node(party, "OrganizationClassificationTypeSubtype")
                self.leaf(sort, "OrganizationSubtypeID", "5999")
                self.leaf(sort, "OrganizationTypeID", "5")
                self.leaf(sort, "OtherOrganizationSubTypeText", "VIRTUAL ASSET EXCHANGE", 50)
        for account in self.report.accounts:
            self.subject(activity, account)
        return 5 + len(self.report.accounts)

    def legal_name(self, party: Any, name: str) -> None:
        node = self.node(party, "PartyName")
        self.leaf(node, "PartyNameTypeCode", "L")
        self.leaf(node, "RawPartyFullName", latin(name, self.profile["name_pattern"]), 150)

    def house_address(self, party: Any) -> None:
        us, node = self.report.institution.us, self.node(party, "Address")
        self.leaf(node, "RawCityText", str(us["city"]), 50)
        self.leaf(node, "RawCountryCodeText", self.report.institution.country)
        self.leaf(node, "RawStateCodeText", str(us["state"]), 3)
        self.leaf(node, "RawStreetAddress1Text", str(us["street"]), 100)
        self.leaf(node, "RawZIPCode", str(us["zip"]), 9)

    def identifier(self, party: Any, kind: str, number: str, country: str = "") -> None:
        node = self.node(party, "PartyIdentification")
        if country:
            self.leaf(node, "OtherIssuerCountryText", country)
        if kind == "999":
            self.leaf(node, "OtherPartyIdentificationTypeText", "IDENTITY PAPER", 50)
        self.leaf(node, "PartyIdentificationNumberText", number, 25)
        self.leaf(node, "PartyIdentificationTypeCode", kind)

    def subject(self, activity: Any, account: CustomerAccount) -> None:
        person, pattern = account.person, self.profile["name_pattern"]
        last, first = latin(person.last_name, pattern), latin(person.first_name, pattern)
        if not last or not first:
            raise CannotRender("A subject's name has no Latin letter.")
        if person.original_name:
            self.lose("name as it is written", "the form takes Latin letters", "the narrative")
        party = self.node(activity, "Party")
        self.leaf(party, "ActivityPartyTypeCode", "33")
        if person.gender == "F":
            self.leaf(party, GENDERS["F"], "Y")
        self.leaf(party, "IndividualBirthDateText", _day(person.birth_on))
        if person.gender == "M":
            self.leaf(party, GENDERS["M"], "Y")
        if person.gender not in GENDERS:
            self.leaf(party, "UnknownGenderIndicator", "Y")
        name = self.node(party, "PartyName")
        self.leaf(name, "PartyNameTypeCode", "L")
        self.leaf(name, "RawEntityIndividualLastName", last, 150)
        self.leaf(name, "RawIndividualFirstName", first, 35)
        address = self.node(party, "Address")
        self.leaf(address, "CityUnknownIndicator", "Y")
        self.leaf(address, "RawCountryCodeText", person.residence)
        self.leaf(address, "StreetAddressUnknownIndicator", "Y")
        self.lose("address of a subject", "the street and city are not in our records", "nowhere")
        if person.phone:
            phone = self.node(party, "PhoneNumber")
            self.leaf(phone, "PhoneNumberText", re.sub("[^0-9]", "", person.phone), 16)
        self.identifier(party, person.id_type, person.id_number, person.id_country)
        holder = self.node(party, "PartyAccountAssociation")
        self.leaf(holder, "PartyAccountAssociationTypeCode", "7")
        bank = self.node(holder, "Party")
        self.leaf(bank, "ActivityPartyTypeCode", "41")
        self.identifier(bank, "2", str(self.report.institution.us["tin"]))
        held = self.node(bank, "Account")
        self.leaf(held, "AccountNumberText", account.uid, 40)
        link = self.node(held, "PartyAccountAssociation")
        self.leaf(link, "PartyAccountAssociationTypeCode", "5")

    # --- What ---

    def suspicious(self, activity: Any) -> str:
        rows = self.report.movements
        exact = sum((row.fiat * self.report.local_rate for row in rows), Decimal(0))
        total = str(int(exact.to_integral_value(ROUND_CEILING)))
        if Decimal(total) != exact:
            self.lose("amount", "rounded up to whole dollars", "the narrative")
        node = self.node(activity, "SuspiciousActivity")
        if self.report.kind == "continuing":
            self.leaf(node, "CumulativeTotalViolationAmountText", total)
        self.leaf(node, "SuspiciousActivityFromDateText", _day(min(r.at for r in rows).date()))
        self.leaf(node, "SuspiciousActivityToDateText", _day(max(r.at for r in rows).date()))
        self.leaf(node, "TotalSuspiciousAmountText", total)
        for code in dict.fromkeys(self.report.indicators):
            kind, _slash, sort = code.partition("/")
            if not (kind.isdigit() and sort.isdigit()):
                raise CannotRender(f"The indicator {code} is no type and subtype, such as 1/113.")
            each = self.node(node, "SuspiciousActivityClassification")
            if sort.endswith("999"):
                self.leaf(each, "OtherSuspiciousActivityTypeText", "SEE NARRATIVE")
            self.leaf(each, "SuspiciousActivitySubtypeID", sort)
            self.leaf(each, "SuspiciousActivityTypeID", kind)
        return total

    def addresses(self, activity: Any) -> None:
        named = list(dict.fromkeys(row.address for row in self.report.movements if row.address))
        if len(named) > MOST_ADDRESSES:
            self.lose("addresses", f"{len(named) - MOST_ADDRESSES} left out", "the narrative")
        for address in named[:MOST_ADDRESSES]:
            node = self.node(activity, "CyberEventIndicators")
            self.leaf(node, "CyberEventIndicatorsTypeCode", "999")
            self.leaf(node, "CyberEventTypeOtherText", "VIRTUAL CURRENCY ADDRESS")
            self.leaf(node, "EventValueText", address)

    def narrative(self, activity: Any) -> None:
        report = self.report
        names = [a.person.original_name for a in report.accounts if a.person.original_name]
        parts = [self.profile.get("key_term", ""), report.reason, report.action]
        parts += [f"Name as it is written: {name}" for name in names]
        parts += [_line(row) for row in report.movements]
        text = "\n".join(part.strip() for part in parts if part.strip()).replace("\t", " ")
        pieces: list[str] = []
        while text and len(pieces) < NARRATIVES:
            cut = len(text)
            if cut > NARRATIVE_CHARS:
                cut = text.rfind("\n", 1, NARRATIVE_CHARS)
                cut = cut if cut > 0 else NARRATIVE_CHARS
            pieces.append(text[:cut].strip())
            text = text[cut:].strip()
        if text:
            self.lose("narrative", f"{len(text)} characters do not fit", "this house")
        for number, piece in enumerate(pieces, 1):
            node = self.node(activity, "ActivityNarrativeInformation")
            self.leaf(node, "ActivityNarrativeSequenceNumber", str(number))
            self.leaf(node, "ActivityNarrativeText", piece)


_ASSOCIATIONS: Final = {
    "initial": "InitialReportIndicator",
    "amendment": "CorrectsAmendsPriorReportIndicator",
    "continuing": "ContinuingActivityReportIndicator",
}


def _line(row: Movement) -> str:
    """One transaction with its exact amount."""
    words = f"{row.at:%Y-%m-%d %H:%M:%S} UTC {row.kind} {row.ref}: {row.base} base units of"
    words += f" {row.symbol}, USD {row.fiat:.2f}"
    if row.txid:
        words += f", transaction {row.txid}"
    return words + (f", to {row.address}" if row.address else "")


def _day(on: date | datetime | None) -> str:
    if on is None:
        raise CannotRender("A day is missing.")
    return f"{on:%Y%m%d}"
