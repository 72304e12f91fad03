"""A suspicion report as goAML XML: values in, bytes out, with the list of what did not fit.

The element order is that of the schema, lengths and codes come from the receiver's profile. Every
value that had to be shortened, rounded, transliterated or left out stands in the loss list, with
where the whole value went. Source: goAML 5.0.2 schema; FORMATS.md section 4.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

from lxml import etree

from cases.exports.suspicion.letters import NOT_XML, latin, missing_of
from cases.exports.suspicion.values import (
    CannotRender,
    CustomerAccount,
    Loss,
    Movement,
    Person,
    Rendered,
    Report,
)


def render(report: Report, profile: Mapping[str, Any]) -> Rendered:
    """The whole file, the same bytes for the same values. Raises CannotRender."""
    return _Writer(report, profile).write()


class _Writer:
    def __init__(self, report: Report, profile: Mapping[str, Any]) -> None:
        self.report, self.profile = report, profile
        self.losses: list[Loss] = []
        self.accounts = {account.uid: account for account in report.accounts}

    def write(self) -> Rendered:
        report, house = self.report, self.report.institution
        if not report.movements:
            raise CannotRender("A report needs at least one transaction.")
        if not report.indicators:
            raise CannotRender("A report needs at least one indicator.")
        root = etree.Element("report")
        self.add(root, "rentity_id", str(house.rentity_id))
        self.add(root, "submission_code", self.profile["submission_code"])
        self.add(root, "report_code", self.profile.get("codes", {}).get(report.code, report.code))
        self.add(root, "entity_reference", report.reference)
        if report.prior:
            self.add(root, "fiu_ref_number", report.prior)
        self.add(root, "submission_date", _moment(report.submitted_at))
        self.add(root, "currency_code_local", self.profile["local_currency"])
        clerk = self.add(root, "reporting_person")
        self.name(clerk, "first_name", house.first_name)
        self.name(clerk, "last_name", house.last_name)
        self.add(root, "reason", self.fit("reason", "reason", report.reason))
        self.add(root, "action", self.fit("action", "reason", report.action))
        for movement in report.movements:
            self.transaction(root, movement)
        indicators = self.add(root, "report_indicators")
        for code in self.indicators():
            self.add(indicators, "indicator", code)
        self.shape(root)
        content = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
        if len(content) > self.profile["largest_file_bytes"]:
            raise CannotRender("The file is larger than the receiver takes: choose fewer lines.")
        return Rendered(content, self.losses)

    def indicators(self) -> list[str]:
        """The receiver's codes; one that has none of its own gets the flags in the reason only."""
        only = self.profile.get("only_indicator")
        if only is None:
            return list(self.report.indicators)
        if any(code != only for code in self.report.indicators):
            self.lose("indicators", "the receiver has no codes for them", "the reason")
        return [only]

    def shape(self, node: Any) -> None:
        """Order the children as the receiver's version asks: what it lacks goes, what it demands
        and nobody knows stands as the profile says. Without a shape the file is as it was made.
        """
        wanted = self.profile.get("shape", {}).get(node.tag)
        if wanted is not None and len(node):
            self._order(node, wanted)
        for child in list(node):
            self.shape(child)

    def _order(self, node: Any, wanted: list[Any]) -> None:
        names = [next(iter(each)) if isinstance(each, dict) else each for each in wanted]
        for child in [child for child in node if child.tag not in names]:
            self.lose(f"{node.tag}/{child.tag}", "the receiver has no such field", "this house")
            node.remove(child)
        for each in wanted:
            if not isinstance(each, dict):
                continue
            [(name, value)] = each.items()
            if node.find(name) is None:
                if "-" in (value, *(value.values() if isinstance(value, dict) else ())):
                    self.lose(f"{node.tag}/{name}", "demanded and not known", "nowhere")
                self._make(node, name, value)
        node[:] = sorted(node, key=lambda child: names.index(child.tag))

    def _make(self, parent: Any, name: str, value: Any) -> None:
        if isinstance(value, dict):
            node = self.add(parent, name)
            for part, inner in value.items():
                self._make(node, part, inner)
            return
        house = self.report.institution
        words = str(value).format(branch=house.branch, country=house.country, name=house.name)
        self.add(parent, name, words)

    def add(self, parent: Any, name: str, text: str | None = None) -> Any:
        element = etree.SubElement(parent, name)
        if text is not None:
            element.text = NOT_XML.sub(" ", text)
            if element.text != text:
                self.lose(name, "signs that XML does not hold are blanks", "kept in this house")
        return element

    def lose(self, where: str, what: str, whole: str) -> None:
        loss = Loss(where, what, whole)
        if loss not in self.losses:
            self.losses.append(loss)

    def fit(self, where: str, length: str, text: str) -> str:
        """The text, cut where the receiver's field is shorter; the cut is told."""
        most = int(self.profile["lengths"][length])
        if len(text) <= most:
            return text
        self.lose(where, f"cut to {most} of {len(text)} characters", "kept in this house")
        return text[:most]

    def name(self, parent: Any, tag: str, text: str) -> None:
        plain = latin(text, self.profile["name_pattern"])
        if not plain:
            raise CannotRender(f"{tag.replace('_', ' ')}: {text!r} has no Latin letter.")
        if plain != text:
            self.lose(tag, f"written {plain!r} in Latin letters", "full_name_frn")
        self.add(parent, tag, self.fit(tag, "name", plain))

    def transaction(self, root: Any, row: Movement) -> None:
        row_of = self.add(root, "transaction")
        number = row.txid or row.ref
        self.add(row_of, "transactionnumber", self.fit(row.ref, "transactionnumber", number))
        self.add(row_of, "internal_ref_number", self.fit(row.ref, "internal_ref_number", row.ref))
        self.add(row_of, "transaction_location", "online")
        self.add(row_of, "transaction_description", _WORDS[row.kind])
        self.add(row_of, "date_transaction", _moment(row.at))
        way = "chain" if row.txid or row.address else "internal"
        way = "fiat" if row.kind.startswith("fiat") else way
        self.add(row_of, "transmode_code", self.profile["transmode"][way])
        self.add(row_of, "transmode_comment", "-")
        self.add(row_of, "amount_local", self.local(row))
        parties = self.add(row_of, "involved_parties")
        self.parties(parties, row)
        comments = [f"exact amount {row.base} base units of {row.symbol}"]
        if row.chain:
            comments.append(f"chain {row.chain}")
        if row.symbol_out:
            comments.append(f"converted into {row.base_out} base units of {row.symbol_out}")
        self.add(row_of, "comments", self.fit(row.ref, "comments", "; ".join(comments)))

    def parties(self, parent: Any, row: Movement) -> None:
        """The customer, and on the other side an address or an account where there is one."""
        roles = self.profile["party_role"]
        if row.kind in ("conversion", "trade") or row.kind.startswith("fiat"):
            self.customer(parent, row, roles["customer"])
            return
        inward = row.kind in ("deposit", "internal_in")
        self.customer(parent, row, roles["beneficiary" if inward else "sender"])
        other = roles["sender" if inward else "beneficiary"]
        if row.counter_uid:
            self.lose("counterparty", "an account of this house without its customer's data",
                      "add the customer as a subject")  # fmt: skip
            self.other(parent, row, other, row.counter_uid, self.report.institution.code)
        elif row.address and not inward:
            self.other(parent, row, other, row.address, self.profile["unhosted_institution"])
        elif inward:
            self.lose("counterparty of deposits", "the sending address is not in our records",
                      "the transaction id")  # fmt: skip

    def customer(self, parent: Any, row: Movement, role: str) -> None:
        account = self.accounts.get(row.uid)
        if account is None:
            raise CannotRender("A transaction belongs to an account that is no subject.")
        party = self.add(parent, "party")
        self.add(party, "role", role)
        self.my_client(party, account)
        self.funds(party, row)
        self.add(party, "country", account.country)
        self.add(party, "is_suspected", "1")

    def funds(self, party: Any, row: Movement) -> None:
        fiat = row.kind.startswith("fiat")
        self.add(party, "funds_code", self.profile["funds"]["fiat" if fiat else "crypto"])
        code = self.profile["currencies"].get(row.symbol)
        if code is None:
            self.lose(f"foreign currency of {row.symbol}", "the receiver has no code for it",
                      "the transaction's comments")  # fmt: skip
            return
        foreign = self.add(party, "foreign_currency")
        self.add(foreign, "foreign_currency_code", code)
        self.add(foreign, "foreign_amount", self.amount(row))

    def amount(self, row: Movement) -> str:
        """The amount in whole units, rounded to what the schema holds."""
        with localcontext() as context:
            context.prec = 100
            exact = Decimal(row.base).scaleb(-row.decimals)
            rounded = exact.quantize(Decimal(1).scaleb(-self.profile["decimals"]), ROUND_HALF_EVEN)
            if rounded != exact:
                self.lose(f"amount of {row.ref}", f"rounded to {self.profile['decimals']} digits",
                          "the transaction's comments")  # fmt: skip
            if rounded > Decimal(self.profile["largest"]):
                raise CannotRender(f"The amount of {row.ref} is larger than the receiver takes.")
            return _number(rounded)

    def local(self, row: Movement) -> str:
        cents = (row.fiat * self.report.local_rate).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
        return _number(cents)

    def my_client(self, party: Any, account: CustomerAccount) -> None:
        """Our customer's account: the variant in which the person's data are mandatory."""
        house, person, lengths = self.report.institution, account.person, self.profile
        missing = missing_of(person, self.profile)
        if missing:
            raise CannotRender(f"The subject lacks {', '.join(missing).replace('_', ' ')}.")
        node = self.add(party, "account_my_client")
        self.add(node, "institution_name", house.name)
        self.add(node, "institution_code", house.code)
        self.add(node, "non_bank_institution", "1")
        self.add(node, "branch", house.branch)
        self.add(node, "account", self.fit("account", "account", account.uid))
        self.add(node, "currency_code", lengths["local_currency"])
        full = latin(f"{person.first_name} {person.last_name}", lengths["name_pattern"])
        self.add(node, "account_name", self.fit("account_name", "account_name", full))
        self.add(
            node, "client_number", self.fit("client_number", "client_number", account.customer)
        )
        self.add(node, "personal_account_type", lengths["account_type"]["customer"])
        signatory = self.add(node, "signatory")
        self.add(signatory, "is_primary", "1")
        self.person(self.add(signatory, "t_person"), person)
        self.add(signatory, "role", lengths["signatory_role"])
        if account.opened_on is None:
            raise CannotRender("The account has no day of opening.")
        self.add(node, "opened", _day(account.opened_on))
        self.add(node, "status_code", lengths["account_status"][account.state])
        self.add(node, "beneficiary", self.fit("beneficiary", "beneficiary", full))

    def person(self, node: Any, person: Person) -> None:
        self.add(node, "gender", person.gender or "-")
        self.name(node, "first_name", person.first_name)
        self.name(node, "last_name", person.last_name)
        self.add(node, "birthdate", _day(person.birth_on))
        if person.original_name:
            self.add(node, "full_name_frn",
                     self.fit("full_name_frn", "original_name", person.original_name))  # fmt: skip
        self.add(node, "id_number", person.id_number)
        self.add(node, "nationality1", person.nationality)
        self.add(node, "residence", person.residence)
        phone = self.add(self.add(node, "phones"), "phone")
        self.add(phone, "tph_contact_type", self.profile["contact_type"])
        self.add(phone, "tph_communication_type", self.profile["communication_type"])
        number = person.phone
        if self.profile.get("phone") == "digits":
            number = re.sub("[^0-9]", "", number)
        self.add(phone, "tph_number", self.fit("phone", "phone", number))
        identity = self.add(node, "identification")
        self.add(identity, "type", person.id_type)
        self.add(identity, "number", person.id_number)
        self.add(identity, "issue_date", _day(person.id_issued_on))
        self.add(identity, "expiry_date", _day(person.id_expires_on))
        self.add(identity, "issue_country", person.id_country)
        self.add(node, "tax_reg_number", self.profile.get("tax_reg_number", "-"))

    def other(self, parent: Any, row: Movement, role: str, account: str, institution: str) -> None:
        """The other side: an unhosted address, or an account of ours that is no subject."""
        party = self.add(parent, "party")
        self.add(party, "role", role)
        node = self.add(party, "account")
        self.add(node, "institution_code", institution)
        self.add(node, "account", self.fit(row.ref, "account", account))
        self.add(node, "account_name", "unknown")
        self.add(node, "personal_account_type", self.profile["account_type"]["unhosted"])
        self.add(party, "country", "-")


_WORDS = {
    "deposit": "Deposit of a virtual asset",
    "withdrawal": "Withdrawal of a virtual asset",
    "conversion": "Conversion between virtual assets",
    "trade": "Trade",
    "internal_in": "Transfer from another account of the exchange",
    "internal_out": "Transfer to another account of the exchange",
    "fiat_in": "Payment in",
    "fiat_out": "Payment out",
}


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S")


def _day(on: date | None) -> str:
    if on is None:
        raise CannotRender("A day is missing.")
    return f"{on.isoformat()}T00:00:00"


def _number(value: Decimal) -> str:
    """Plain digits: no exponent, no zeros at the end beyond the point."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
